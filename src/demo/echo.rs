//! The echo: which sequence number and timestamp a packet goes back with.
//!
//! What came is sent back packet by packet, so that loss, silence and key presses come back as
//! they were. The stream that is sent has numbers of its own (RFC 3550 §5.1), which stay in one
//! line when the sender begins a new source.

/// Where a stream that is sent begins: low, so that its rollover counter is 0 (RFC 3711 §3.3.1).
const FIRST: u64 = 1_000;

/// Ticks between the last packet of one source and the first of the next: 20 ms at 48 kHz.
const GAP: u32 = 960;

/// One stream that is sent back.
#[derive(Clone, Debug, Default)]
pub struct Echo {
    source: Option<Source>,
    newest: Option<(u64, u32)>,
}

/// The source that is heard, and how its numbers become ours.
#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    begins: u64,
    becomes: u64,
    shift: u32,
}

impl Echo {
    /// The extended sequence number and the timestamp for a packet that was heard. `None` for a
    /// packet from before the first of its source: it has come too late.
    pub fn number(&mut self, ssrc: u32, sequence: u64, timestamp: u32) -> Option<(u64, u32)> {
        let source = match self.source {
            Some(source) if source.ssrc == ssrc => source,
            _ => {
                let (becomes, time) = match self.newest {
                    Some((sequence, time)) => (sequence + 1, time.wrapping_add(GAP)),
                    None => (FIRST, timestamp),
                };
                let shift = time.wrapping_sub(timestamp);
                *self.source.insert(Source {
                    ssrc,
                    begins: sequence,
                    becomes,
                    shift,
                })
            }
        };
        let ours = source.becomes + sequence.checked_sub(source.begins)?;
        let time = timestamp.wrapping_add(source.shift);
        if self.newest.is_none_or(|(newest, _)| ours > newest) {
            self.newest = Some((ours, time));
        }
        Some((ours, time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_and_order_come_back_as_they_were() {
        let mut echo = Echo::default();
        assert_eq!(echo.number(7, 65_500, 100), Some((1000, 100)));
        assert_eq!(echo.number(7, 65_502, 300), Some((1002, 300)));
        assert_eq!(echo.number(7, 65_501, 200), Some((1001, 200)));
        assert_eq!(echo.number(7, 65_499, 0), None, "from before the first");
    }

    #[test]
    fn new_source_goes_on_in_the_same_line() {
        let mut echo = Echo::default();
        echo.number(7, 5, 1_000);
        echo.number(7, 9, 5_000);
        assert_eq!(echo.number(8, 300, 77), Some((1005, 5_960)));
        assert_eq!(echo.number(8, 301, 1_037), Some((1006, 6_920)));
    }
}
