//! Claims about first offers that come later, as ladders (`rig.rs`).
#![cfg(test)]

use super::rig::{chat, ladder, page, page_without_trickle, phone, rendezvous};

const NONE: &str = "no candidate that the other side could reach: \
                    only local names or nothing was gathered";

// --- nobody needs the offer: somebody accepts, then the caller is asked ---

#[test]
fn caller_makes_his_offer_when_the_call_is_accepted() {
    ladder(
        chat(),
        &[page()],
        "
        A > Invite later
        B < Invite later
        B > Ring
        A < Ring
        B > Accept
        A < Accept
        A > Offer offer
        B < Offer, 4 candidates
        B > Answer answer
        A < Answer, 2 candidates
        A < Media
        B < Media
        A > End normal
        B < End normal
        = normal, by A
        ",
    );
}

#[test]
fn first_of_many_that_accepts_is_the_one_that_gets_the_offer() {
    ladder(
        chat(),
        &[page(), chat(), page_without_trickle()],
        "
        A > Invite later
        B < Invite later
        B2 < Invite later
        B3 < Invite later
        B3 > Ring
        A < Ring
        B2 > Accept
        B < End answered_elsewhere
        B3 < End answered_elsewhere
        A < Accept
        B > Accept
        A > Offer offer
        B2 < Offer, 4 candidates
        ",
    );
}

#[test]
fn nobody_may_offer_before_the_caller_is_asked_and_then_only_he() {
    ladder(
        chat(),
        &[page()],
        "
        A > Invite later
        B < Invite later
        A > Offer offer
        A < Refuse Glare
        B > Offer offer
        B < Refuse Glare
        B > Accept
        A < Accept
        B > Offer offer
        B < Refuse Glare
        A > Offer wanted
        A < Refuse Glare
        A > Offer offer
        B < Offer, 4 candidates
        B > Offer offer
        B < Refuse Glare
        ",
    );
}

#[test]
fn callee_that_brings_a_description_to_an_offer_that_is_not_there_has_misbehaved() {
    ladder(
        chat(),
        &[page(), page()],
        "
        A > Invite later
        B < Invite later
        B2 < Invite later
        B > Progress answer
        B ! an early description, and no offer that it could answer
        B > Accept answer
        B < End misbehaved: it accepted with a description before there was an offer
        B2 > Accept
        A < Accept
        ",
    );
}

#[test]
fn callee_that_was_offered_something_cannot_accept_without_an_answer() {
    ladder(
        page(),
        &[page()],
        "
        A > Invite offer
        B < Invite offer, 4 candidates
        B > Accept
        B < End misbehaved: it accepted without a description
        A < End misbehaved: it accepted without a description
        = misbehaved, by B
        ",
    );
}

#[test]
fn call_without_an_answered_offer_can_be_ended_by_either_side() {
    ladder(
        chat(),
        &[page()],
        "
        A > Invite later
        B < Invite later
        B > Accept
        A < Accept
        B > End normal
        A < End normal
        = normal, by B
        ",
    );
    ladder(
        chat(),
        &[page()],
        "
        A > Invite later
        B < Invite later
        B > Accept
        A < Accept
        A > End normal
        B < End normal
        = normal, by A
        ",
    );
    ladder(
        chat(),
        &[page(), page()],
        "
        A > Invite later
        B < Invite later
        B2 < Invite later
        B > Ring
        A < Ring
        A > End normal
        B < End cancelled
        B2 < End cancelled
        = cancelled, by A
        ",
    );
}

#[test]
fn call_that_nobody_takes_ends_as_any_other() {
    ladder(
        chat(),
        &[page(), page()],
        "
        A > Invite later
        B < Invite later
        B2 < Invite later
        B > End busy
        B2 > End unavailable
        A < End busy
        = busy, by B
        ",
    );
    ladder(
        chat(),
        &[page()],
        "
        A > Invite later
        B < Invite later
        + 59 s
        + 1 s
        B < End cancelled
        A < End no_answer
        = no_answer
        ",
    );
}

// --- somebody needs the offer: the caller is asked first ---

#[test]
fn caller_is_asked_at_once_for_a_callee_that_cannot_be_called_without() {
    ladder(
        chat(),
        &[phone()],
        "
        A > Invite later
        A < Offer wanted
        A > Offer offer
        B < Invite offer, 4 candidates
        B > Ring
        A < Ring
        B > Progress answer
        A < Progress answer, 2 candidates
        B > Accept answer
        A < Accept, 2 candidates
        A < Media
        B < Media
        ",
    );
}

#[test]
fn nobody_is_invited_before_the_offer_that_one_of_them_needs() {
    ladder(
        chat(),
        &[page(), phone()],
        "
        A > Invite later
        A < Offer wanted
        B > Ring
        B ! it rings before it was invited
        A > Offer offer
        B < Invite offer, 4 candidates
        B2 < Invite offer, 4 candidates
        B > Accept answer
        B2 < End answered_elsewhere
        A < Accept, 2 candidates
        A < Media
        B < Media
        ",
    );
}

#[test]
fn time_of_the_callee_begins_when_he_is_invited() {
    ladder(
        chat(),
        &[phone()],
        "
        A > Invite later
        A < Offer wanted
        + 14 s
        A > Offer offer
        B < Invite offer, 4 candidates
        + 59 s
        + 1 s
        B < End cancelled
        A < End no_answer
        = no_answer
        ",
    );
}

#[test]
fn callee_and_caller_may_leave_while_the_caller_is_asked() {
    ladder(
        chat(),
        &[phone(), page()],
        "
        A > Invite later
        A < Offer wanted
        B > End internal
        A > Offer offer
        B2 < Invite offer, 4 candidates
        ",
    );
    ladder(
        chat(),
        &[phone()],
        "
        A > Invite later
        A < Offer wanted
        B > End internal
        A < End internal
        = internal, by B
        A > Offer offer
        ",
    );
    ladder(
        chat(),
        &[phone(), page()],
        "
        A > Invite later
        A < Offer wanted
        A > End normal
        B < End cancelled
        B2 < End cancelled
        = cancelled, by A
        ",
    );
}

#[test]
fn callee_that_accepts_before_it_was_invited_has_misbehaved() {
    ladder(
        chat(),
        &[phone(), phone(), phone()],
        "
        A > Invite later
        A < Offer wanted
        B > Accept
        B < End misbehaved: it accepted without a description
        B2 > Accept answer
        B2 < End misbehaved: it accepted with a description before there was an offer
        B3 > Answer answer
        B3 ! nobody waits for this answer
        A > Offer offer
        B3 < Invite offer, 4 candidates
        ",
    );
}

// --- the first offer comes to nothing ---

#[test]
fn call_ends_when_the_caller_makes_no_offer_in_time() {
    ladder(
        chat(),
        &[page()],
        "
        A > Invite later
        B < Invite later
        + 30 s
        B > Accept
        A < Accept
        + 14 s
        + 1 s
        B < End timeout: the caller made no offer in time
        A < End timeout: the caller made no offer in time
        = timeout, by A
        ",
    );
    ladder(
        chat(),
        &[phone()],
        "
        A > Invite later
        A < Offer wanted
        + 14 s
        + 1 s
        B < End timeout: the caller made no offer in time
        A < End timeout: the caller made no offer in time
        = timeout, by A
        ",
    );
}

#[test]
fn call_ends_when_the_caller_refuses_to_make_an_offer() {
    ladder(
        chat(),
        &[page()],
        "
        A > Invite later
        B < Invite later
        A > Refuse NotAcceptable
        A ! nobody waits for this answer
        B > Accept
        A < Accept
        B > Refuse NotAcceptable
        B ! nobody waits for this answer
        A > Refuse NotAcceptable
        B < End not_acceptable: the caller does not make the first offer
        A < End not_acceptable: the caller does not make the first offer
        = not_acceptable, by A
        ",
    );
    ladder(
        chat(),
        &[phone()],
        "
        A > Invite later
        A < Offer wanted
        A > Refuse Unanswered
        B < End timeout: the caller does not make the first offer
        A < End timeout: the caller does not make the first offer
        = timeout, by A
        ",
    );
}

#[test]
fn call_ends_when_the_callee_refuses_the_first_offer_or_the_caller_takes_it_back() {
    ladder(
        chat(),
        &[page()],
        "
        A > Invite later
        B < Invite later
        B > Accept
        A < Accept
        A > Offer offer
        B < Offer, 4 candidates
        B > Refuse NotAcceptable
        B < End not_acceptable: the callee does not take the first offer
        A < End not_acceptable: the callee does not take the first offer
        = not_acceptable, by B
        ",
    );
    ladder(
        chat(),
        &[page()],
        "
        A > Invite later
        B < Invite later
        B > Accept
        A < Accept
        A > Offer offer
        B < Offer, 4 candidates
        A > Refuse Withdrawn
        B < End not_acceptable: the caller has taken the first offer back
        A < End not_acceptable: the caller has taken the first offer back
        = not_acceptable, by A
        ",
    );
}

#[test]
fn call_ends_when_the_first_offer_is_not_answered_in_time() {
    ladder(
        chat(),
        &[page()],
        "
        A > Invite later
        B < Invite later
        B > Accept
        A < Accept
        + 10 s
        A > Offer offer
        B < Offer, 4 candidates
        + 14 s
        + 1 s
        B < End timeout: the callee did not answer the first offer in time
        A < End timeout: the callee did not answer the first offer in time
        = timeout, by B
        ",
    );
    ladder(
        page(),
        &[page()],
        "
        A > Invite yours
        B < Invite yours
        B > Accept offer
        A < Accept, 4 candidates
        + 15 s
        B < End timeout: the caller did not answer the first offer in time
        A < End timeout: the caller did not answer the first offer in time
        = timeout, by A
        ",
    );
}

#[test]
fn call_goes_on_when_a_later_offer_comes_to_nothing() {
    ladder(
        chat(),
        &[page()],
        "
        A > Invite later
        B < Invite later
        B > Accept
        A < Accept
        A > Offer offer
        B < Offer, 4 candidates
        B > Answer answer
        A < Answer, 2 candidates
        A < Media
        B < Media
        B > Offer wanted
        A < Offer wanted
        + 15 s
        A < Refuse Unanswered
        B < Refuse Unanswered
        A > Dtmf 5
        B < Dtmf 5
        ",
    );
}

// --- candidates ---

#[test]
fn candidates_before_a_description_go_with_it_and_later_ones_follow() {
    ladder(
        chat(),
        &[page()],
        "
        A > Invite later
        B < Invite later
        A > Candidate host
        B > Candidate host
        B > Accept
        A < Accept
        A > Candidate srflx
        B > Candidate srflx
        A > Offer offer-bare
        B < Offer, 2 candidates
        A > Candidate host
        A > Candidate relay
        B < Candidates 1
        B > Answer answer-bare
        A < Answer, 2 candidates
        A < Media
        B < Media
        B > Candidate end
        A < Candidates 1
        B > Candidate end
        B > Candidate host
        ",
    );
}

#[test]
fn candidates_before_the_offer_go_with_the_invitation() {
    ladder(
        chat(),
        &[page(), phone()],
        "
        A > Invite later
        A < Offer wanted
        A > Candidate srflx
        A > Offer offer-bare
        B < Invite offer, 1 candidates
        B2 < Invite offer, 1 candidates
        ",
    );
}

#[test]
fn phone_is_invited_when_the_offer_that_came_later_has_its_candidates() {
    ladder(
        chat(),
        &[page(), phone()],
        "
        A > Invite later
        A < Offer wanted
        A > Offer offer-bare
        B < Invite offer, 0 candidates
        + 1 s
        A > Candidate srflx
        B < Candidates 1
        B2 ! waited 1000 ms for candidates
        B2 < Invite offer, 1 candidates
        ",
    );
}

#[test]
fn page_that_does_not_trickle_gets_the_first_offer_with_its_candidates() {
    ladder(
        chat(),
        &[page_without_trickle()],
        "
        A > Invite later
        B < Invite later
        B > Accept
        A < Accept
        A > Offer offer-bare
        + 1 s
        A > Candidate srflx
        B ! waited 1000 ms for candidates
        B < Offer, 1 candidates
        B > Answer answer
        A < Answer, 2 candidates
        A < Media
        B < Media
        ",
    );
}

#[test]
fn caller_that_does_not_trickle_gets_the_answer_with_its_candidates() {
    ladder(
        page_without_trickle(),
        &[page()],
        "
        A > Invite later
        B < Invite later
        B > Accept
        A < Accept
        A > Offer offer
        B < Offer, 4 candidates
        B > Answer answer-bare
        + 2 s
        B > Candidate host
        A ! waited 2000 ms for candidates
        A < Answer, 1 candidates
        A < Media
        B < Media
        ",
    );
}

#[test]
fn call_ends_when_the_first_offer_has_no_candidate_that_could_work() {
    let text = "
        A > Invite later
        B < Invite later
        B > Accept
        A < Accept
        A > Offer offer-bare
        A > Candidate end
        B ! NONE
        B < End not_acceptable: NONE
        A < End not_acceptable: NONE
        = not_acceptable
        ";
    ladder(
        chat(),
        &[page_without_trickle()],
        &text.replace("NONE", NONE),
    );
    let text = "
        A > Invite later
        A < Offer wanted
        A > Candidate end
        A > Offer offer-bare
        B ! NONE
        B < End not_acceptable: NONE
        B2 < End not_acceptable: NONE
        A < End not_acceptable: NONE
        = not_acceptable
        ";
    ladder(chat(), &[phone(), phone()], &text.replace("NONE", NONE));
    let text = "
        A > Invite offer-bare
        A > Candidate end
        B ! NONE
        B < End not_acceptable: NONE
        B2 < End not_acceptable: NONE
        A < End not_acceptable: NONE
        = not_acceptable
        ";
    ladder(page(), &[phone(), phone()], &text.replace("NONE", NONE));
}

#[test]
fn call_ends_when_the_first_answer_has_no_candidate_that_could_work() {
    let text = "
        A > Invite later
        B < Invite later
        B > Accept
        A < Accept
        A > Offer offer
        B < Offer, 4 candidates
        B > Answer answer-bare
        + 3 s
        A ! NONE
        B < End not_acceptable: NONE
        A < End not_acceptable: NONE
        = not_acceptable
        ";
    ladder(
        page_without_trickle(),
        &[page()],
        &text.replace("NONE", NONE),
    );
}

// --- a rendezvous ---

#[test]
fn first_caller_of_a_rendezvous_is_asked_at_once() {
    rendezvous(
        chat(),
        page(),
        "
        A > Invite later
        A < Offer wanted
        A > Offer offer
        + 300 s
        B > Invite offer
        B < Refuse Glare
        B < Offer, 4 candidates
        B > Answer answer
        A < Accept, 2 candidates
        A < Media
        B < Media
        B < Accept
        ",
    );
}

#[test]
fn second_caller_of_a_rendezvous_waits_for_the_offer_that_the_first_has_promised() {
    rendezvous(
        chat(),
        page(),
        "
        A > Invite later
        A < Offer wanted
        + 10 s
        B > Invite offer
        B < Refuse Glare
        B > Candidate host
        A > Offer offer
        B < Offer, 4 candidates
        B > Answer answer-bare
        A < Accept, 1 candidates
        A < Media
        B < Media
        B < Accept
        ",
    );
}

#[test]
fn second_caller_of_a_rendezvous_that_has_made_no_offer_has_none_to_take_back() {
    for opening in ["later", "yours"] {
        let text = "
        A > Invite offer
        B > Invite OPENING
        B < Offer, 4 candidates
        B > Answer answer
        A < Accept, 2 candidates
        A < Media
        B < Media
        B < Accept
        ";
        rendezvous(page(), page(), &text.replace("OPENING", opening));
    }
}

#[test]
fn rendezvous_ends_when_its_first_caller_makes_no_offer() {
    rendezvous(
        chat(),
        page(),
        "
        A > Invite later
        A < Offer wanted
        + 15 s
        A < End timeout: the caller made no offer in time
        = timeout, by A
        ",
    );
    rendezvous(
        chat(),
        page(),
        "
        A > Invite later
        A < Offer wanted
        + 10 s
        B > Invite offer
        B < Refuse Glare
        A > Refuse NotAcceptable
        B < End not_acceptable: the caller does not make the first offer
        A < End not_acceptable: the caller does not make the first offer
        = not_acceptable, by A
        ",
    );
}
