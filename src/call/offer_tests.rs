//! Claims about offers inside a call, as ladders (`rig.rs`).
#![cfg(test)]

use super::rig::{chat, ladder, page, phone};

/// RFC 3261 §14.2: whoever re-invites without an offer waits for one, be it the same as before.
#[test]
fn offer_that_was_asked_for_goes_to_who_asked_even_where_it_changes_nothing() {
    ladder(
        chat(),
        &[phone()],
        "
        A > Invite offer
        B < Invite offer, 4 candidates
        B > Accept answer
        A < Accept, 2 candidates
        A < Media
        B < Media
        B > Offer wanted
        A < Offer wanted
        A > Offer offer
        B < Offer, 4 candidates
        B > Answer answer
        A < Answer, 2 candidates
        A < Media
        B < Media
        ",
    );
}

#[test]
fn offer_of_ones_own_that_changes_nothing_is_answered_with_the_last_answer() {
    ladder(
        page(),
        &[phone()],
        "
        A > Invite offer
        B < Invite offer, 4 candidates
        B > Accept answer
        A < Accept, 2 candidates
        A < Media
        B < Media
        A > Offer offer
        A ! the offer changes nothing: answered with the last answer
        A < Answer, 2 candidates
        ",
    );
}
