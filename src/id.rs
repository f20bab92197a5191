//! Ids, and the one seeded source of everything that must be unguessable or unique.
//!
//! In production the source is seeded from the system's randomness by `net/`; in tests from a
//! number, so that the same seed gives the same tags, branches and ids, byte for byte.

use std::fmt;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// One call: an A-leg and its B-legs. Unique for the life of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// One leg of a call, in any protocol. Unique for the life of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegId(pub u64);

/// One text message on its way. Unique for the life of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoteId(pub u64);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call-{}", self.0)
    }
}

impl fmt::Display for LegId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "leg-{}", self.0)
    }
}

/// The seeded source of tags, branches, session ids, nonces and jitter: a ChaCha12 stream, so that
/// what it gives cannot be guessed from what it gave.
#[derive(Debug)]
pub struct Source {
    stream: ChaCha12Rng,
    last_number: u64,
}

impl Source {
    /// Starts the stream from 32 bytes of the system's randomness.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self {
            stream: ChaCha12Rng::from_seed(seed),
            last_number: 0,
        }
    }

    /// Starts a stream that a test can repeat.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        Self {
            stream: ChaCha12Rng::seed_from_u64(number),
            last_number: 0,
        }
    }

    /// The next number of the process-wide sequence; never the same twice.
    pub fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// A new call.
    pub fn call(&mut self) -> CallId {
        CallId(self.next_number())
    }

    /// A new leg.
    pub fn leg(&mut self) -> LegId {
        LegId(self.next_number())
    }

    /// A new text message.
    pub fn note(&mut self) -> NoteId {
        NoteId(self.next_number())
    }

    /// Sixteen lower-case hexadecimal digits, 64 bits of the stream: tags, branches, Call-IDs.
    pub fn token(&mut self) -> String {
        format!("{:016x}", self.stream.next_u64())
    }

    /// Thirty-two lower-case hexadecimal digits, 128 bits: what must not be guessed (sessions).
    pub fn secret(&mut self) -> String {
        format!(
            "{:016x}{:016x}",
            self.stream.next_u64(),
            self.stream.next_u64()
        )
    }

    /// A number in `0..bound`; 0 where the bound is 0. For jitter, where a bias of 2⁻³² is fine.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            0
        } else {
            self.stream.next_u64() % bound
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_number_gives_the_same_stream() {
        let (mut one, mut two) = (Source::from_number(7), Source::from_number(7));
        assert_eq!(
            (one.token(), one.below(1000)),
            (two.token(), two.below(1000))
        );
        assert_ne!(
            Source::from_number(8).token(),
            Source::from_number(7).token()
        );
    }

    #[test]
    fn numbers_never_repeat_across_kinds() {
        let mut source = Source::from_number(1);
        assert_ne!(source.call().0, source.leg().0);
    }
}
