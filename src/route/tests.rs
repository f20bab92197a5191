//! Claims about the dial plan.

use super::*;

fn plan(routes: &[(&str, &str, Option<&str>)]) -> DialPlan {
    let route = routes
        .iter()
        .map(|(pattern, to, dial)| Route {
            pattern: (*pattern).into(),
            to: (*to).into(),
            dial: dial.map(str::to_owned),
        })
        .collect();
    let trunk = Trunk {
        name: "pbx".into(),
        uri: "sip:pbx.example:5160;transport=tcp".into(),
        ..Trunk::default()
    };
    let account = Account {
        name: "desk".into(),
        owner: "alice".into(),
        trunk: "pbx".into(),
        ..Account::default()
    };
    DialPlan::new(&Config {
        route,
        trunk: vec![trunk],
        account: vec![account],
        ..Config::default()
    })
}

const ALICE: Caller<'static> = Caller {
    user: "alice",
    accounts: &[],
    destinations: None,
};

fn uri(plan: &DialPlan, to: &str) -> Result<String, Refused> {
    match plan.resolve(&Address::parse(to).unwrap(), ALICE, None)? {
        Target::Trunk { uri, .. } => Ok(uri),
        other => panic!("{other:?}"),
    }
}

#[test]
fn first_line_that_matches_counts() {
    let plan = plan(&[
        ("00*", "reject:forbidden", None),
        ("0*", "trunk:pbx", Some("9{*}")),
        ("tel:*", "trunk:pbx", None),
    ]);
    assert_eq!(
        uri(&plan, "0123").unwrap(),
        "sip:9123@pbx.example:5160;transport=tcp"
    );
    assert_eq!(
        uri(&plan, "tel:+15").unwrap(),
        "sip:+15@pbx.example:5160;transport=tcp"
    );
    let to = Address::parse("0044").unwrap();
    assert_eq!(
        plan.resolve(&to, ALICE, None),
        Ok(Target::Reject(Cause::Forbidden))
    );
    assert_eq!(uri(&plan, "77"), Err(Refused::NoRoute));
}

#[test]
fn arbitrary_host_cannot_be_called() {
    let plan = plan(&[("*", "trunk:pbx", None)]);
    assert_eq!(
        uri(&plan, "sip:a@192.0.2.66:5060"),
        Err(Refused::ForeignHost)
    );
    assert!(uri(&plan, "sip:600@pbx.example").is_ok());
    let by_number = plan.resolve(&Address::parse("sip:9@pbx.example").unwrap(), ALICE, None);
    assert!(by_number.is_ok());
    assert_eq!(
        uri(&plan, "a@b").unwrap(),
        "sip:a%40b@pbx.example:5160;transport=tcp"
    );
}

#[test]
fn token_bounds_what_is_dialled() {
    let plan = plan(&[("*", "trunk:pbx", None)]);
    let allowed = ["6*".to_owned(), "user:*".to_owned()];
    let caller = Caller {
        destinations: Some(&allowed),
        ..ALICE
    };
    let to = |text| Address::parse(text).unwrap();
    assert!(plan.resolve(&to("600"), caller, None).is_ok());
    assert!(plan.resolve(&to("user:bob"), caller, None).is_ok());
    assert_eq!(
        plan.resolve(&to("700"), caller, None),
        Err(Refused::NotPermitted)
    );
}

#[test]
fn account_is_used_by_its_owner_only() {
    let plan = plan(&[("*", "account", None)]);
    let to = Address::parse("600").unwrap();
    assert!(plan.resolve(&to, ALICE, Some("desk")).is_ok());
    let bob = Caller {
        user: "bob",
        ..ALICE
    };
    assert_eq!(
        plan.resolve(&to, bob, Some("desk")),
        Err(Refused::UnknownAccount)
    );
}

#[test]
fn incoming_call_is_for_the_account_then_the_uri() {
    let plan = plan(&[]);
    let owner = plan.incoming(Some("alice"), Some("token"), Some("pbx"));
    assert_eq!(owner, Some(Target::User("alice".into())));
    let named = plan.incoming(None, Some("bob"), Some("pbx"));
    assert_eq!(named, Some(Target::User("bob".into())));
    assert_eq!(plan.incoming(None, None, Some("pbx")), None);
}

/// Each line is the same number in another way; a line of the plan forbids it.
#[test]
fn no_line_is_passed_by_another_spelling() {
    let plan = plan(&[
        ("00*", "reject:forbidden", None),
        ("+*", "reject:declined", None),
        ("*", "trunk:pbx", None),
    ]);
    let target = |text: &str| plan.resolve(&Address::parse(text).unwrap(), ALICE, None);
    for text in [
        "0044",
        "sip:0044@pbx.example",
        "sip:%30%304@PBX.example;x",
        "tel:0-0.44",
        "0-0.44",
        "(0)044",
        "sip:0-044@pbx.example",
        "sip:0044@elsewhere",
    ] {
        assert_eq!(target(text), Ok(Target::Reject(Cause::Forbidden)), "{text}");
    }
    for text in [
        "+44",
        "tel:+44",
        "sip:%2b44@pbx.example:5160",
        "sips:+44@pbx.example?a=b",
        "+4-4",
        "tel:4;phone-context=+4",
    ] {
        assert_eq!(target(text), Ok(Target::Reject(Cause::Declined)), "{text}");
    }
    // An escape in what is no URI is no escape: the trunk must not undo it.
    let escaped = "sip:%2530044@pbx.example:5160;transport=tcp";
    assert_eq!(uri(&plan, "%30044").as_deref(), Ok(escaped));
}

/// An exact line is not passed by a parameter behind the number.
#[test]
fn parameters_pass_no_line() {
    let plan = plan(&[
        ("112", "reject:forbidden", None),
        ("sip:*@customer.example", "trunk:pbx", None),
        ("*", "trunk:pbx", None),
    ]);
    let target = |text: &str| plan.resolve(&Address::parse(text).unwrap(), ALICE, None);
    for text in [
        "112",
        "tel:112;x=1",
        "sip:112;x@pbx.example",
        "sip:1-12@customer.example",
    ] {
        assert_eq!(target(text), Ok(Target::Reject(Cause::Forbidden)), "{text}");
    }
    assert!(matches!(
        target("sip:113@customer.example"),
        Ok(Target::Trunk { .. })
    ));
}

/// A token for clients of this gateway reaches no trunk by a scheme in disguise.
#[test]
fn schemes_in_disguise_reach_nobody() {
    let plan = plan(&[("*", "trunk:pbx", None)]);
    let allowed = ["user:*".to_owned()];
    let caller = Caller {
        destinations: Some(&allowed),
        ..ALICE
    };
    for text in [
        "tel:user:0900",
        "sip:user:5@pbx.example",
        "sip:user%3A5@pbx.example",
    ] {
        let to = Address::parse(text).unwrap();
        assert_eq!(
            plan.resolve(&to, caller, None),
            Err(Refused::NoRoute),
            "{text}"
        );
    }
}

#[test]
fn token_bounds_every_spelling() {
    let plan = plan(&[("*", "trunk:pbx", None)]);
    let allowed = ["6??".to_owned()];
    let caller = Caller {
        destinations: Some(&allowed),
        ..ALICE
    };
    let resolve = |text: &str| plan.resolve(&Address::parse(text).unwrap(), caller, None);
    for text in ["600", "tel:6-0-0", "sip:600@pbx.example"] {
        assert!(resolve(text).is_ok(), "{text}");
    }
    for text in [
        "6000",
        "sip:600@elsewhere",
        "user:bob",
        "join:tea",
        "sip:60%30%30@pbx.example",
        "600;x=1",
    ] {
        assert_eq!(resolve(text), Err(Refused::NotPermitted), "{text}");
    }
}

#[test]
fn request_uri_has_always_the_trunk_s_host() {
    let plan = plan(&[
        ("sip:*@corp.example", "trunk:pbx", None),
        ("sip:*@old.example", "trunk:pbx", Some("8{*}")),
        ("*", "trunk:pbx", Some("9-{*}")),
    ]);
    let host = "@pbx.example:5160;transport=tcp";
    for (text, user) in [
        ("sip:7@corp.example", "7"),
        ("sip:7@old.example", "87"),
        ("sip:a%40evil@corp.example;maddr=192.0.2.66", "a%40evil"),
        ("a@192.0.2.66", "9-a%40192.0.2.66"),
        ("sip:7@pbx.example", "9-7"),
        ("tel:7", "9-7"),
    ] {
        assert_eq!(uri(&plan, text), Ok(format!("sip:{user}{host}")), "{text}");
    }
    for text in [
        "sip:7@old.example:99",
        "sip:7@192.0.2.66",
        "sip:pbx.example",
        "sips:x",
    ] {
        assert_eq!(uri(&plan, text), Err(Refused::ForeignHost), "{text}");
    }
    let with_password = "sip:a:secret@corp.example";
    assert_eq!(uri(&plan, with_password), Err(Refused::NoRoute));
}

#[test]
fn what_was_dialled_may_name_the_user_or_the_word() {
    let plan = plan(&[("7*", "user:desk-{*}", None), ("room*", "join:{}", None)]);
    let target = |text: &str| plan.resolve(&Address::parse(text).unwrap(), ALICE, None);
    assert_eq!(target("712"), Ok(Target::User("desk-12".into())));
    assert_eq!(target("room5"), Ok(Target::Join("room5".into())));
}

#[test]
fn users_and_words_can_be_switched_off() {
    let config = |on: bool| {
        let mut config = Config::default();
        (config.call.user_calls, config.call.join_calls) = (on, on);
        DialPlan::new(&config)
    };
    let target = |on, text: &str| config(on).resolve(&Address::parse(text).unwrap(), ALICE, None);
    assert_eq!(target(true, "user:bob"), Ok(Target::User("bob".into())));
    assert_eq!(target(true, "join:tea"), Ok(Target::Join("tea".into())));
    assert_eq!(target(false, "user:bob"), Err(Refused::NoRoute));
    assert_eq!(target(false, "join:tea"), Err(Refused::NoRoute));
}

#[test]
fn account_that_was_brought_is_its_owner_s_until_taken_back() {
    let mut plan = plan(&[("*", "account", None)]);
    plan.bring(Account {
        name: "own".into(),
        owner: "bob".into(),
        trunk: "pbx".into(),
        ..Account::default()
    });
    let to = Address::parse("600").unwrap();
    let allowed = ["own".to_owned()];
    let bob = Caller {
        user: "bob",
        ..ALICE
    };
    let alice = Caller {
        accounts: &allowed,
        ..ALICE
    };
    assert!(plan.resolve(&to, bob, Some("own")).is_ok());
    assert!(plan.resolve(&to, bob, None).is_ok());
    assert_eq!(
        plan.resolve(&to, alice, Some("own")),
        Err(Refused::UnknownAccount)
    );
    plan.take_back("bob", "own");
    plan.take_back("alice", "desk");
    assert_eq!(
        plan.resolve(&to, bob, Some("own")),
        Err(Refused::UnknownAccount)
    );
    assert!(plan.resolve(&to, ALICE, Some("desk")).is_ok());
}

#[test]
fn trunk_can_say_whom_its_calls_are_for() {
    let mut config = Config::default();
    for (name, to) in [
        ("a", Some("user:reception")),
        ("b", Some("user:ext-{}")),
        ("c", None),
    ] {
        config.trunk.push(Trunk {
            name: name.into(),
            incoming_to: to.map(str::to_owned),
            ..Trunk::default()
        });
    }
    let plan = DialPlan::new(&config);
    let user = |user: Option<&str>, trunk| match plan.incoming(None, user, Some(trunk)) {
        Some(Target::User(user)) => Some(user),
        Some(other) => panic!("{other:?}"),
        None => None,
    };
    assert_eq!(user(Some("5"), "a").as_deref(), Some("reception"));
    assert_eq!(user(None, "a").as_deref(), Some("reception"));
    assert_eq!(user(Some("5"), "b").as_deref(), Some("ext-5"));
    assert_eq!(user(None, "b"), None);
    assert_eq!(user(Some("5"), "c").as_deref(), Some("5"));
}

#[test]
fn every_cause_that_a_line_may_reject_with_is_one() {
    for name in crate::config::REJECTIONS {
        assert_eq!(cause(name).name(), name);
    }
}

#[test]
fn registrar_is_the_trunk_of_the_host_and_no_other() {
    let plan = plan(&[]);
    let name = |uri| plan.registrar_of(uri).map(|trunk| trunk.name.as_str());
    assert_eq!(name("sip:1001@PBX.example"), Some("pbx"));
    assert_eq!(name("sip:1001@pbx.example:5160"), Some("pbx"));
    assert_eq!(name("sip:1001@example"), None);
    assert_eq!(name("sip:1001@pbx.example.evil"), None);
}

fn chat(plan: &DialPlan, to: &str) -> Result<String, Refused> {
    match plan.resolve(&Address::parse(to).unwrap(), ALICE, None)? {
        Target::Chat { jid, .. } => Ok(jid),
        Target::Reject(_) => Err(Refused::NotPermitted),
        other => panic!("{other:?}"),
    }
}

/// What stands behind the first `/` of an address is not its domain.
#[test]
fn no_line_is_passed_by_a_device() {
    let plan = plan(&[
        ("xmpp:*@banned.example", "reject:forbidden", None),
        ("xmpp:*@example.org", "component:web", None),
        ("*@example.org", "component:web", None),
        ("8*", "component:web", Some("{*}@example.org")),
        ("*", "component:web", None),
    ]);
    for (to, jid) in [
        ("xmpp:Juliet@example.org", "juliet@example.org"),
        ("xmpp:juliet@example.org/Phone", "juliet@example.org/Phone"),
        ("juliet@example.org", "juliet@example.org"),
        ("8juliet", "juliet@example.org"),
        // By the last line, which lets everybody be called.
        (
            "xmpp:x@evil.example/@example.org",
            "x@evil.example/@example.org",
        ),
    ] {
        assert_eq!(chat(&plan, to).as_deref(), Ok(jid), "{to}");
    }
    for to in [
        "xmpp:x@BANNED.example/@example.org",
        "xmpp:x%40banned.example",
        "x@banned.example",
        "X@Banned.example",
        "sip:x%40banned.example@elsewhere",
    ] {
        assert_eq!(chat(&plan, to), Err(Refused::NotPermitted), "{to}");
    }
    for to in [
        "x@evil.example/@example.org",
        "8x@evil.example/",
        "8x@evil.example",
        "xmpp:a@b@example.org",
        "xmpp:example.org",
    ] {
        assert_eq!(chat(&plan, to), Err(Refused::NoRoute), "{to}");
    }
    let allowed = ["xmpp:*@example.org".to_owned()];
    let caller = Caller {
        destinations: Some(&allowed),
        ..ALICE
    };
    let to = Address::parse("xmpp:x@evil.example/@example.org").unwrap();
    assert_eq!(plan.resolve(&to, caller, None), Err(Refused::NotPermitted));
}

#[test]
fn phone_dials_a_chat_user_without_a_device() {
    let mut config = Config::default();
    config.trunk.push(Trunk {
        name: "pbx".into(),
        incoming_chat: Some("web".into()),
        ..Trunk::default()
    });
    let plan = DialPlan::new(&config);
    let target = |user: &str| plan.incoming(None, Some(user), Some("pbx"));
    let jid = "juliet@example.org".to_owned();
    let via = Via::Component("web".into());
    assert_eq!(
        target("Juliet%40example.org"),
        Some(Target::Chat { via, jid })
    );
    let user = "x%40evil.example%2F%40example.org";
    assert_eq!(target(user), Some(Target::User(user.into())));
}

/// Chat users of a component for clients of this gateway reach no trunk (`Component::allowed`).
#[test]
fn destinations_bound_chat_users_as_they_do_clients() {
    let plan = plan(&[("*", "trunk:pbx", None)]);
    let allowed = ["user:*".to_owned()];
    let caller = Caller {
        user: "juliet@example.org",
        accounts: &[],
        destinations: Some(&allowed),
    };
    let resolve = |to: Address| plan.resolve(&to, caller, None);
    assert!(resolve(Address::User("alice".into())).is_ok());
    for to in [
        Address::Telephone("+1900555".into()),
        Address::Uri("sip:a@pbx.example".into()),
        Address::Dialled("600".into()),
        Address::Chat("user:a@b".into()),
    ] {
        let refused = resolve(to.clone()).unwrap_err();
        assert!(
            matches!(refused, Refused::NotPermitted | Refused::NoRoute),
            "{to}"
        );
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever a client dials, the host is the trunk's and the URI one line of plain text.
        #[test]
        fn nothing_dialled_leaves_the_trunk(text in "[!-~]{1,40}") {
            let plan = plan(&[("sip:*", "trunk:pbx", None), ("*", "trunk:pbx", Some("1{*}"))]);
            let Ok(to) = Address::parse(&text) else { return Ok(()) };
            if let Ok(Target::Trunk { uri, .. }) = plan.resolve(&to, ALICE, None) {
                let end = "@pbx.example:5160;transport=tcp";
                prop_assert!(uri.ends_with(end), "{}", uri);
                prop_assert_eq!(uri.matches('@').count(), 1);
                prop_assert!(uri.bytes().all(|b| b.is_ascii_graphic()));
            }
        }
    }
}
