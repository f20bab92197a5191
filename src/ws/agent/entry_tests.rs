//! Claims about coming in: hello, tokens, limits of frames.

use std::time::Duration;

use serde_json::json;

use super::rig::{Rig, SECRET, UNIX, two_users, types};
use crate::ask::{Question, Told};
use crate::config::{self, Config};
use crate::ws::auth::{claims, mint};

fn token(user: &str, lasts: u64) -> String {
    mint(&claims(user, UNIX, Duration::from_secs(lasts)), SECRET).unwrap()
}

#[test]
fn nobody_comes_in_by_default() {
    let mut rig = Rig::new(&Config::default());
    let heard = rig.hello(1, json!({}));
    assert_eq!(
        (&heard[0]["type"], &heard[0]["code"]),
        (&json!("error"), &json!("not_authenticated"))
    );
    assert_eq!(rig.closed[&1].0, 4401);
    let heard = rig.hello(2, json!({ "token": "anything" }));
    assert_eq!(heard[0]["code"], "token_invalid");
}

#[test]
fn welcome_says_all_limits_and_sync_follows() {
    let mut rig = Rig::new(&two_users());
    let heard = rig.hello(1, json!({ "token": "alice's token", "client": "test/1" }));
    assert_eq!(types(&heard), ["welcome", "sync"]);
    let welcome = &heard[0];
    assert_eq!(
        (&welcome["user"], &welcome["resumed"]),
        (&json!("alice"), &json!(false))
    );
    assert_eq!(
        (&welcome["next_seq"], &welcome["heartbeat_ms"]),
        (&json!(1), &json!(20_000))
    );
    assert_eq!(welcome["limits"]["candidates"], 200);
    assert_eq!(
        welcome["grace"],
        json!({ "ringing_ms": 60_000, "answered_ms": 300_000 })
    );
    let account = json!([{ "account": "desk", "state": "unregistered" }]);
    assert_eq!(welcome["accounts"], account);
    assert!(welcome.get("expires_in_ms").is_none());
    assert_eq!(heard[1], json!({ "type": "sync", "up_to": 0, "calls": [] }));
}

#[test]
fn guests_come_in_where_everybody_may_and_are_not_each_other() {
    let auth = config::Auth {
        anonymous: true,
        ..config::Auth::default()
    };
    let mut rig = Rig::new(&Config {
        auth,
        ..Config::default()
    });
    let one = rig.hello(1, json!({}))[0].clone();
    let other = rig.hello(2, json!({}))[0].clone();
    assert_ne!(one["user"], other["user"]);
    rig.lose(1);
    let resume = json!({ "session": one["session"], "seq": 0 });
    let again = rig.hello(3, json!({ "resume": resume }))[0].clone();
    assert_eq!(
        (&again["resumed"], &again["user"]),
        (&json!(true), &one["user"])
    );
}

#[test]
fn frame_before_hello_is_refused() {
    let mut rig = Rig::new(&two_users());
    rig.open(1);
    rig.say(1, &json!({ "type": "ping" }));
    assert_eq!(rig.closed[&1].0, 4400);
    rig.open(2);
    rig.text(2, "not json");
    assert_eq!(rig.closed[&2].0, 4400);
}

#[test]
fn second_hello_is_refused() {
    let mut rig = Rig::with_alice();
    let reply = rig.asks(1, &json!({ "type": "hello", "token": "alice's token" }));
    assert_eq!(
        (&reply["code"], rig.closed[&1].0),
        (&json!("bad_state"), 4400)
    );
}

#[test]
fn silent_connection_is_given_up_before_hello_and_after() {
    let mut rig = Rig::new(&two_users());
    rig.open(1);
    rig.wait(Duration::from_millis(4999));
    assert!(rig.closed.is_empty());
    rig.wait(Duration::from_millis(1));
    assert_eq!(rig.closed[&1].0, 4408);

    rig.enter(2, "alice");
    rig.wait(Duration::from_secs(40));
    let pong = rig.asks(2, &json!({ "type": "ping", "id": "p" }));
    assert_eq!(pong, json!({ "type": "pong", "id": "p" }));
    rig.wait(Duration::from_secs(44));
    assert!(!rig.closed.contains_key(&2));
    rig.wait(Duration::from_secs(1));
    assert_eq!(rig.closed[&2].0, 4408);
    assert_eq!(
        (
            rig.agent.counts().hello_timeouts,
            rig.agent.counts().heartbeats_lost
        ),
        (1, 1)
    );
}

#[test]
fn token_that_never_ends_breaks_no_clock() {
    let mut rig = Rig::new(&two_users());
    for (connection, exp) in [(1, u64::MAX), (2, u64::MAX / 2), (3, u64::from(u32::MAX))] {
        let mut forever = claims("alice", UNIX, Duration::from_secs(1));
        forever.exp = Some(exp);
        let heard = rig.hello(
            connection,
            json!({ "token": mint(&forever, SECRET).unwrap() }),
        );
        assert_eq!(heard[0]["type"], "welcome", "{exp}");
    }
    rig.wait(Duration::from_secs(30));
}

#[test]
fn expired_token_stays_out_and_a_live_one_ends_with_a_warning() {
    let mut rig = Rig::new(&two_users());
    let late = mint(
        &claims("alice", UNIX - 100, Duration::from_secs(50)),
        SECRET,
    )
    .unwrap();
    assert_eq!(
        rig.hello(1, json!({ "token": late }))[0]["code"],
        "token_expired"
    );

    let heard = rig.hello(2, json!({ "token": token("alice", 100) }));
    assert_eq!(heard[0]["expires_in_ms"], 100_000);
    rig.wait(Duration::from_secs(20));
    rig.say(2, &json!({ "type": "ping" }));
    rig.wait(Duration::from_secs(20));
    let heard = rig.heard(2);
    assert_eq!(types(&heard), ["pong", "token.expiring"]);
    assert_eq!(
        (&heard[1]["seq"], &heard[1]["expires_in_ms"]),
        (&json!(1), &json!(60_000))
    );
    rig.say(2, &json!({ "type": "ping" }));
    rig.wait(Duration::from_secs(30));
    rig.say(2, &json!({ "type": "ping" }));
    rig.wait(Duration::from_secs(29));
    assert!(!rig.closed.contains_key(&2));
    rig.wait(Duration::from_secs(1));
    assert_eq!(rig.closed[&2].0, 4401);
    assert_eq!(rig.heard(2).last().unwrap()["code"], "token_expired");
}

#[test]
fn refreshed_token_counts_and_only_of_the_same_user() {
    let mut rig = Rig::new(&two_users());
    rig.hello(1, json!({ "token": token("alice", 100) }));
    let refresh =
        |id: &str, token: String| json!({ "type": "token.refresh", "id": id, "token": token });
    let reply = rig.asks(1, &refresh("1", token("bob", 1000)));
    assert_eq!(reply["code"], "forbidden");
    let reply = rig.asks(1, &refresh("2", "nonsense".into()));
    assert_eq!(reply["code"], "token_invalid");
    let reply = rig.asks(1, &refresh("3", token("alice", 1000)));
    assert_eq!(reply, json!({ "type": "result", "id": "3" }));
    for _ in 0..10 {
        rig.wait(Duration::from_secs(20));
        rig.say(1, &json!({ "type": "ping" }));
    }
    assert!(rig.closed.is_empty());
    assert!(!types(&rig.heard(1)).contains(&"token.expiring"));
}

fn with_endpoint() -> Rig {
    let http = Some(config::Http {
        url: "http://x/".into(),
        timeout: Duration::from_secs(3),
        questions_max: 3,
    });
    let auth = config::Auth {
        http,
        ..config::Auth::default()
    };
    Rig::new(&Config {
        auth,
        ..Config::default()
    })
}

/// Made-up tokens do not become as many questions.
#[test]
fn endpoint_is_asked_a_few_things_at_once() {
    let mut rig = with_endpoint();
    for connection in 1..=3 {
        assert!(
            rig.hello(connection, json!({ "token": "made up" }))
                .is_empty()
        );
    }
    let heard = rig.hello(4, json!({ "token": "made up" }));
    assert_eq!(heard[0]["code"], "overloaded");
    assert_eq!(rig.asked.len(), 3);
    let (ask, _) = rig.asked.remove(0);
    rig.told(ask, &Told::Introspected("null".into()));
    assert!(rig.hello(5, json!({ "token": "true" })).is_empty());
    assert_eq!(rig.asked.len(), 3);
}

#[test]
fn endpoint_says_who_an_opaque_token_is() {
    let mut rig = with_endpoint();
    assert!(rig.hello(1, json!({ "token": "opaque" })).is_empty());
    let (ask, question) = rig.asked.remove(0);
    assert!(matches!(question, Question::Introspect { token } if token.0 == "opaque"));
    let reply = rig.asks(1, &json!({ "type": "ping", "id": "early" }));
    assert_eq!(
        (&reply["code"], &reply["id"]),
        (&json!("not_authenticated"), &json!("early"))
    );
    rig.told(ask, &Told::Introspected(r#"{"sub":"carol"}"#.into()));
    assert_eq!(rig.heard(1)[0]["user"], "carol");
    rig.told(ask, &Told::Introspected(r#"{"sub":"mallory"}"#.into()));
    assert!(rig.heard(1).is_empty(), "an answer counts once");
}

#[test]
fn endpoint_that_refuses_fails_or_is_silent_lets_nobody_in() {
    let mut rig = with_endpoint();
    let answers = [
        Told::Introspected("null".into()),
        Told::Failed("down".into()),
    ];
    for (connection, told, close) in [(1, &answers[0], 4401), (2, &answers[1], 4503)] {
        rig.hello(connection, json!({ "token": "opaque" }));
        let (ask, _) = rig.asked.remove(0);
        rig.told(ask, told);
        assert_eq!(rig.closed[&connection].0, close);
    }
    rig.hello(3, json!({ "token": "opaque" }));
    rig.wait(Duration::from_secs(4));
    assert_eq!(rig.closed[&3].0, 4503);
    let (ask, _) = rig.asked.remove(0);
    rig.told(ask, &Told::Introspected(r#"{"sub":"late"}"#.into()));
    assert_eq!(types(&rig.heard(3)), ["error"]);
}

#[test]
fn token_is_refreshed_through_the_endpoint() {
    let mut rig = with_endpoint();
    rig.hello(1, json!({ "token": "opaque" }));
    let (ask, _) = rig.asked.remove(0);
    rig.told(ask, &Told::Introspected(r#"{"sub":"carol"}"#.into()));
    rig.heard(1);
    rig.say(
        1,
        &json!({ "type": "token.refresh", "id": "1", "token": "fresh" }),
    );
    assert!(rig.heard(1).is_empty());
    let (ask, _) = rig.asked.remove(0);
    rig.told(ask, &Told::Introspected(r#"{"sub":"carol"}"#.into()));
    assert_eq!(types(&rig.heard(1)), ["result"]);
}

#[test]
fn too_many_frames_are_refused_and_then_end_the_connection() {
    let mut config = two_users();
    (config.client.frames_per_second, config.client.frames_burst) = (10, 5);
    let mut rig = Rig::new(&config);
    rig.enter(1, "alice");
    let ping = json!({ "type": "ping", "id": "7" });
    for _ in 0..4 {
        assert_eq!(rig.asks(1, &ping)["type"], "pong");
    }
    let reply = rig.asks(1, &ping);
    assert_eq!(
        (&reply["code"], &reply["id"]),
        (&json!("rate_limited"), &json!("7"))
    );
    assert_eq!((&reply["retry"], rig.closed.len()), (&json!("after"), 0));
    rig.wait(Duration::from_millis(100));
    assert_eq!(rig.asks(1, &ping)["type"], "pong");
    for _ in 0..6 {
        rig.say(1, &ping);
    }
    assert_eq!(rig.closed[&1].0, 4413);
}

#[test]
fn frames_too_deep_too_large_or_unknown_are_told_apart() {
    let mut rig = Rig::with_alice();
    rig.text(1, &format!("{}{}", "[".repeat(17), "]".repeat(17)));
    assert_eq!(rig.heard(1)[0]["code"], "too_deep");
    rig.text(1, "{\"type\":");
    assert_eq!(rig.heard(1)[0]["code"], "bad_frame");
    let reply = rig.asks(
        1,
        &json!({ "type": "call.transfer", "id": "1", "call": "c" }),
    );
    assert_eq!(
        (&reply["code"], &reply["id"]),
        (&json!("unsupported"), &json!("1"))
    );
    let reply = rig.asks(1, &json!({ "type": "call.end", "id": "2", "call": "a b" }));
    assert_eq!(
        (&reply["code"], &reply["id"]),
        (&json!("bad_frame"), &json!("2"))
    );
    assert!(rig.closed.is_empty());
    rig.text(
        1,
        &format!("{{\"type\":\"ping\",\"x\":\"{}\"}}", "y".repeat(262_144)),
    );
    assert_eq!(
        (&rig.heard(1)[0]["code"], rig.closed[&1].0),
        (&json!("too_large"), 4413)
    );
}

#[test]
fn sessions_are_bounded_and_an_idle_one_gives_way() {
    let mut config = two_users();
    config.client.sessions_per_user = 2;
    let mut rig = Rig::new(&config);
    let first = rig.enter(1, "alice");
    rig.enter(2, "alice");
    let heard = rig.hello(3, json!({ "token": "alice's token" }));
    assert_eq!(
        (&heard[0]["code"], rig.closed[&3].0),
        (&json!("overloaded"), 4503)
    );
    rig.lose(1);
    rig.enter(4, "alice");
    rig.lose(4);
    let heard = rig.resume(5, "alice", &first, 0);
    assert_eq!(heard[0]["resumed"], false);
}

/// Each guest is another user; together they leave room to those with a token.
#[test]
fn guests_do_not_take_the_room_of_users() {
    let mut config = two_users();
    config.auth.anonymous = true;
    config.client.guests_max = 2;
    let mut rig = Rig::new(&config);
    rig.hello(1, json!({}));
    rig.hello(2, json!({}));
    let heard = rig.hello(3, json!({}));
    assert_eq!(
        (&heard[0]["code"], rig.closed[&3].0),
        (&json!("overloaded"), 4503)
    );
    rig.enter(4, "alice");
    rig.lose(1);
    rig.wait(Duration::from_secs(31));
    assert_eq!(rig.hello(5, json!({}))[0]["type"], "welcome");
}

#[test]
fn draining_gateway_takes_no_new_session_but_an_old_one_back() {
    let mut rig = Rig::new(&two_users());
    let session = rig.enter(1, "alice");
    rig.lose(1);
    rig.agent.drain();
    let heard = rig.hello(2, json!({ "token": "bob's token" }));
    assert_eq!(
        (&heard[0]["code"], rig.closed[&2].0),
        (&json!("draining"), 4503)
    );
    assert_eq!(rig.resume(3, "alice", &session, 0)[0]["resumed"], true);
    rig.agent.close_all();
    rig.open(4);
    assert_eq!(rig.closed[&3].0, 1001);
}

#[test]
fn verbs_of_the_token_bound_what_is_asked_for() {
    let mut rig = Rig::new(&two_users());
    let mut said = claims("alice", UNIX, Duration::from_secs(600));
    said.verbs = Some(vec!["account.*".into()]);
    rig.hello(1, json!({ "token": mint(&said, SECRET).unwrap() }));
    let reply = rig.asks(
        1,
        &json!({ "type": "call.create", "id": "1", "call": "c", "to": "1" }),
    );
    assert_eq!(reply["code"], "forbidden");
    assert_eq!(rig.ladder(), ["> call.create c", "< error c"]);
    let reply = rig.asks(1, &json!({ "type": "call.end", "id": "2", "call": "c" }));
    assert_eq!(reply["code"], "unknown_call");
}

#[test]
fn accounts_are_the_tokens_or_brought_where_that_is_allowed() {
    let mut config = two_users();
    let mut rig = Rig::new(&config);
    rig.enter(1, "alice");
    let add =
        |id: &str, account: &str| json!({ "type": "account.add", "id": id, "account": account });
    assert_eq!(rig.asks(1, &add("1", "desk"))["type"], "result");
    assert_eq!(rig.asks(1, &add("2", "boss"))["code"], "unknown_account");
    let mut own = add("3", "mine");
    (own["uri"], own["password"]) = (json!("sip:7@pbx.example"), json!("hidden"));
    assert_eq!(rig.asks(1, &own)["code"], "forbidden");
    assert_eq!(rig.accounts, ["+alice desk kept"]);

    config.auth.accounts_from_clients = true;
    let mut rig = Rig::new(&config);
    let (one, _) = (rig.enter(1, "alice"), rig.enter(2, "alice"));
    assert_eq!(rig.asks(1, &own)["type"], "result");
    assert_eq!(rig.asks(2, &own)["type"], "result");
    own["uri"] = json!("http://x");
    own["id"] = json!("4");
    assert_eq!(rig.asks(1, &own)["code"], "bad_address");
    let remove = json!({ "type": "account.remove", "id": "5", "account": "mine" });
    assert_eq!(rig.asks(1, &remove)["type"], "result");
    let added = "+alice mine sip:7@pbx.example";
    assert_eq!(rig.accounts, [added, added], "the other tab still wants it");
    rig.lose(2);
    rig.wait(Duration::from_secs(31));
    assert_eq!(rig.accounts[2..], ["-alice mine"]);
    assert_eq!(rig.resume(3, "alice", &one, 0)[0]["resumed"], true);
}

#[test]
fn states_of_accounts_reach_every_tab_of_the_owner() {
    use crate::ws::frame::AccountStanding::Failed;
    let mut rig = Rig::with_alice();
    rig.enter(2, "alice");
    rig.enter(3, "bob");
    let sip = Some((403, "Forbidden".to_owned()));
    let retry = Some(Duration::from_secs(30));
    rig.agent
        .account_state("alice", "desk", Failed, Some("refused".into()), sip, retry);
    rig.open(9);
    for connection in [1, 2] {
        let heard = rig.heard(connection);
        assert_eq!(
            heard.last().unwrap(),
            &json!({ "type": "account.state", "seq": 1, "account": "desk", "state": "failed",
                "cause": "refused", "sip": { "status": 403, "reason": "Forbidden" },
                "retry_in_ms": 30_000 })
        );
    }
    assert!(rig.heard(3).is_empty());
}

#[test]
fn tens_of_thousands_of_silent_sessions_cost_a_timer_each() {
    let mut config = two_users();
    (config.auth.anonymous, config.auth.jwt, config.auth.user) = (true, None, Vec::new());
    let mut rig = Rig::new(&config);
    for connection in 0..5000 {
        rig.open(connection);
        rig.text(connection, r#"{"type":"hello"}"#);
    }
    assert_eq!(rig.agent.census(), (5000, 5000));
    rig.wait(Duration::from_secs(45));
    assert_eq!(rig.agent.census(), (0, 5000));
    rig.wait(Duration::from_secs(30));
    assert_eq!(rig.agent.census(), (0, 0));
    assert_eq!(rig.agent.poll_timeout(), None);
}
