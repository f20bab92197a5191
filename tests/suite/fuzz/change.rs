//! What chance makes of an input.

use crate::dice::Dice;

/// Bytes that mean something in one grammar or another.
const MARKS: &[u8] = b"\r\n\0\t \"\\<>;,:=@%[]{}()?/*&#.-+0\x7f\xc3\xff";

/// Inputs longer than this are cut: what is long is tried by tests of its own.
const LONGEST: usize = 20_000;

fn place(dice: &mut Dice, length: usize) -> usize {
    let bound = u64::try_from(length).unwrap_or(u64::MAX) + 1;
    usize::try_from(dice.below(bound)).unwrap_or(0)
}

/// Where a line, or what stands between two marks, begins and ends.
fn piece(dice: &mut Dice, input: &[u8]) -> (usize, usize) {
    let mark = *[b'\n', b';', b',', b' ', b'"']
        .get(place(dice, 4))
        .unwrap_or(&b'\n');
    let at = place(dice, input.len());
    let from = input[..at]
        .iter()
        .rposition(|b| *b == mark)
        .map_or(0, |at| at + 1);
    let to = input[at..].iter().position(|b| *b == mark);
    (from, to.map_or(input.len(), |to| at + to + 1))
}

/// An input made of those that there are.
pub(super) fn another(pool: &[Vec<u8>], words: &[&str], dice: &mut Dice) -> Vec<u8> {
    let mut input = pool[place(dice, pool.len() - 1)].clone();
    for _ in 0..=dice.below(6) {
        let at = place(dice, input.len());
        let (from, to) = piece(dice, &input);
        match dice.below(12) {
            0 => input.insert(at, u8::try_from(dice.below(256)).unwrap_or(0)),
            1 => input.insert(at, MARKS[place(dice, MARKS.len() - 1)]),
            2 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
            3 => {
                input.drain(from..to);
            }
            4 => {
                let twice = input[from..to].to_vec();
                input.splice(from..from, twice);
            }
            5 => {
                let moved: Vec<u8> = input.drain(from..to).collect();
                let at = place(dice, input.len());
                input.splice(at..at, moved);
            }
            6 => {
                let other = &pool[place(dice, pool.len() - 1)];
                let (from, to) = piece(dice, other);
                input.splice(at..at, other[from..to].iter().copied());
            }
            7 | 8 if !words.is_empty() => {
                let word = words[place(dice, words.len() - 1)].as_bytes();
                input.splice(at..at, word.iter().copied());
            }
            9 if !words.is_empty() => {
                let word = words[place(dice, words.len() - 1)].as_bytes();
                input.splice(from..to, word.iter().copied());
            }
            10 => input.truncate(at),
            _ => {
                let number = [
                    "0",
                    "-1",
                    "65536",
                    "4294967296",
                    "18446744073709551616",
                    "1e9",
                ];
                let number = number[place(dice, number.len() - 1)].as_bytes();
                input.splice(at..(at + 1).min(input.len()), number.iter().copied());
            }
        }
    }
    input.truncate(LONGEST);
    input
}
