//! Claims about waiting for candidates, as ladders (`rig.rs`).
#![cfg(test)]

use super::rig::{chat, ladder, phone};

#[test]
fn candidates_of_one_generation_are_waited_for_once() {
    ladder(
        chat(),
        &[phone()],
        "
        A > Invite offer-bare
        A > Candidate host
        + 1 s
        B ! waited 500 ms for candidates
        B < Invite offer, 1 candidates
        B > Accept answer
        A < Accept, 2 candidates
        A < Media
        B < Media
        A > Offer offer-bare-hold
        B < Offer, 1 candidates
        ",
    );
}
