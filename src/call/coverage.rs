//! How often each (state, side, signal) of the table was reached, for the simulator: a cell that
//! no seed reaches is a cell that no test has seen.

use std::fmt;

use super::Side;
use super::signal::Signal;
use super::state::State;

const SIGNALS: usize = 11;

/// A counter for each cell of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    cells: [[[u64; SIGNALS]; 2]; State::COUNT],
}

impl Coverage {
    /// The names of the signals, by place.
    pub const SIGNAL_NAMES: [&'static str; SIGNALS] = [
        "Invite",
        "Ring",
        "Progress",
        "Accept",
        "Offer",
        "Answer",
        "Refuse",
        "Candidates",
        "Dtmf",
        "Media",
        "End",
    ];

    /// Counts one cell.
    pub fn reached(&mut self, state: State, side: Side, signal: &Signal) {
        self.cells[state.index()][usize::from(side == Side::B)][index(signal)] += 1;
    }

    /// Adds what another run has reached.
    pub fn add(&mut self, other: &Self) {
        for (state, sides) in self.cells.iter_mut().enumerate() {
            for (side, signals) in sides.iter_mut().enumerate() {
                for (signal, count) in signals.iter_mut().enumerate() {
                    *count += other.cells[state][side][signal];
                }
            }
        }
    }

    /// Each cell: state, side, signal, how often.
    pub fn cells(&self) -> impl Iterator<Item = (&'static str, Side, &'static str, u64)> + '_ {
        self.cells.iter().enumerate().flat_map(|(state, sides)| {
            sides.iter().enumerate().flat_map(move |(side, signals)| {
                let side = if side == 0 { Side::A } else { Side::B };
                signals.iter().enumerate().map(move |(signal, count)| {
                    (
                        State::NAMES[state],
                        side,
                        Self::SIGNAL_NAMES[signal],
                        *count,
                    )
                })
            })
        })
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<14}", "")?;
        for name in Self::SIGNAL_NAMES {
            write!(f, "{name:>11}")?;
        }
        for (state, name) in State::NAMES.iter().enumerate() {
            for (side, letter) in ["A", "B"].iter().enumerate() {
                write!(f, "\n{name:<11} {letter} ")?;
                for count in self.cells[state][side] {
                    write!(f, "{count:>11}")?;
                }
            }
        }
        Ok(())
    }
}

fn index(signal: &Signal) -> usize {
    match signal {
        Signal::Invite(_) => 0,
        Signal::Ring => 1,
        Signal::Progress { .. } => 2,
        Signal::Accept(_) => 3,
        Signal::Offer(_) => 4,
        Signal::Answer(_) => 5,
        Signal::Refuse(_) => 6,
        Signal::Candidates(_) => 7,
        Signal::Dtmf(_) => 8,
        Signal::Media(_) => 9,
        Signal::End(_) => 10,
    }
}
