//! Accounts: TLS first, SASL, binding, and sessions that outlive their connections.

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::*;
use crate::xmpp::NotSent;

const HEAD: &str = "<?xml version='1.0'?><stream:stream from='example.org' id='1' version='1.0' \
    xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

const TLS_FEATURES: &str = "<stream:features><starttls \
    xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>";

const BIND_FEATURES: &str = "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>\
    <sm xmlns='urn:xmpp:sm:3'/></stream:features>";

const BOUND: &str = "<iq type='result' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
    <jid>alice@example.org/desk</jid></bind></iq>";

fn sasl_features(names: &[&str]) -> String {
    let names: String = names
        .iter()
        .map(|name| format!("<mechanism>{name}</mechanism>"))
        .collect();
    format!(
        "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{names}\
         </mechanisms></stream:features>"
    )
}

fn sasl(name: &str, text: &str) -> String {
    format!("<{name} xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{text}</{name}>")
}

impl Bench {
    /// As far as the mechanisms.
    fn secured(config: &Config) -> Self {
        let mut bench = Self::new(config);
        bench.secure();
        bench
    }

    fn secure(&mut self) {
        self.opened();
        self.says(HEAD);
        self.says(TLS_FEATURES);
        self.says("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
        self.opened();
        self.says(HEAD);
    }

    /// The login up to the features behind it, by SCRAM-SHA-1 as a server does it.
    fn prove(&mut self) {
        self.written();
        self.says(&sasl_features(&["SCRAM-SHA-1", "PLAIN"]));
        let auth: Element = self.written().parse().unwrap();
        assert_eq!(auth.attr("mechanism"), Some("SCRAM-SHA-1"));
        let first = String::from_utf8(BASE64.decode(auth.text()).unwrap()).unwrap();
        let first_bare = first.strip_prefix("n,,").unwrap();
        let nonce = first_bare.split_once("r=").unwrap().1;
        let challenge = format!("r={nonce}server,s={},i=4096", BASE64.encode("salt"));
        self.says(&sasl("challenge", &BASE64.encode(&challenge)));
        let response: Element = self.written().parse().unwrap();
        let last = String::from_utf8(BASE64.decode(response.text()).unwrap()).unwrap();
        let (bare, proof) = last.rsplit_once(",p=").unwrap();
        let signed = format!("{first_bare},{challenge},{bare}");
        let mut salted = [0; 20];
        let rounds = std::num::NonZeroU32::new(4096).unwrap();
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA1,
            rounds,
            b"salt",
            b"pencil",
            &mut salted,
        );
        let sign = |key: &[u8], text: &[u8]| {
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
            hmac::sign(&key, text).as_ref().to_vec()
        };
        let client_key = sign(&salted, b"Client Key");
        let algorithm = &digest::SHA1_FOR_LEGACY_USE_ONLY;
        let stored = digest::digest(algorithm, &client_key);
        let signature = sign(stored.as_ref(), signed.as_bytes());
        let wanted: Vec<u8> = client_key
            .iter()
            .zip(&signature)
            .map(|(a, b)| a ^ b)
            .collect();
        assert_eq!(BASE64.decode(proof).unwrap(), wanted, "the proof is right");
        let server = sign(&sign(&salted, b"Server Key"), signed.as_bytes());
        let verdict = format!("v={}", BASE64.encode(server));
        self.says(&sasl("success", &BASE64.encode(verdict)));
        self.says(HEAD);
    }

    fn online(config: &Config) -> Self {
        let mut bench = Self::secured(config);
        bench.prove();
        bench.says(BIND_FEATURES);
        bench.says(BOUND);
        bench.says("<enabled xmlns='urn:xmpp:sm:3' id='some' resume='true'/>");
        bench.ladder.clear();
        bench.standing.clear();
        bench
    }

    fn acknowledges(&mut self, count: u32) {
        self.says(&format!("<a xmlns='urn:xmpp:sm:3' h='{count}'/>"));
    }
}

fn note(id: &str) -> Element {
    element(
        "message",
        ns::CLIENT,
        &[("id", id), ("to", "bob@example.org")],
    )
}

/// The ids of all messages in what was written.
fn ids(written: &str) -> Vec<String> {
    let text = format!("<all xmlns='jabber:client'>{written}</all>");
    let all: Element = text.parse().unwrap();
    let messages = all.children().filter(|one| one.name() == "message");
    messages
        .filter_map(|one| one.attr("id").map(str::to_owned))
        .collect()
}

#[test]
fn login_as_a_ladder() {
    let mut bench = Bench::new(&account());
    bench.secure();
    bench.is("
        0 ! connect 192.0.2.2:5222, TLS later
        0 ! opened
        0 > <?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:st
        0 < <?xml version='1.0'?><stream:stream from='example.org' id='1' vers
        0 < <stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'
        0 > <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
        0 < <proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
        0 ! TLS with example.org
        0 ! opened
        0 > <?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:st
        0 < <?xml version='1.0'?><stream:stream from='example.org' id='1' vers
    ");
    bench.prove();
    bench.ladder.clear();
    bench.says(BIND_FEATURES);
    bench.says(BOUND);
    bench.written();
    bench.says("<enabled xmlns='urn:xmpp:sm:3' id='some' resume='true'/>");
    let written = bench.written();
    assert!(
        written.contains("<enable xmlns='urn:xmpp:carbons:2'/>"),
        "{written}"
    );
    assert!(written.contains("<presence><c "), "{written}");
    assert!(written.ends_with("<r xmlns='urn:xmpp:sm:3'/></presence>") || written.contains("<r "));
    assert_eq!(bench.agent.own(EntityId(0)), Some("alice@example.org/desk"));
}

#[test]
fn without_tls_no_password_leaves() {
    for features in [
        "<stream:features/>".to_owned(),
        sasl_features(&["PLAIN", "SCRAM-SHA-1"]),
    ] {
        let mut bench = Bench::new(&account());
        bench.opened();
        bench.says(HEAD);
        bench.written();
        bench.says(&features);
        assert_eq!(bench.written(), "</stream:stream>");
        assert!(matches!(
            bench.standing.as_slice(),
            [Standing::Retrying { .. }]
        ));
    }
}

#[test]
fn bytes_in_the_clear_behind_proceed_are_an_attack() {
    let mut bench = Bench::new(&account());
    bench.opened();
    bench.says(HEAD);
    bench.says(TLS_FEATURES);
    bench.written();
    bench.says(&format!(
        "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>{HEAD}"
    ));
    assert_eq!(bench.written(), "</stream:stream>");
}

#[test]
fn connection_lost_in_the_handshake_does_not_make_the_next_one_secure() {
    let mut bench = Bench::new(&account());
    bench.opened();
    bench.says(HEAD);
    bench.says(TLS_FEATURES);
    bench.says("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    bench.refused();
    bench.until_connect();
    bench.opened();
    bench.says(HEAD);
    bench.written();
    bench.says(&sasl_features(&["PLAIN"]));
    assert!(!bench.written().contains("<auth"));
}

#[test]
fn refused_password_is_tried_three_times_and_never_again() {
    let mut bench = Bench::secured(&account());
    bench.send(note("1")).unwrap();
    for attempt in 0..3 {
        if attempt > 0 {
            assert!(bench.until_connect() >= Duration::from_secs(300));
            bench.secure();
        }
        bench.says(&sasl_features(&["PLAIN"]));
        bench.says(&sasl("failure", "<not-authorized/>"));
    }
    assert!(matches!(
        bench.standing.last(),
        Some(Standing::GivenUp { .. })
    ));
    assert_eq!(bench.agent.poll_timeout(), None, "nothing more is tried");
    assert_eq!(bench.undelivered.len(), 1, "what waited is given back");
    assert_eq!(bench.send(note("2")), Err(NotSent::GivenUp));
}

#[test]
fn server_in_trouble_is_tried_again_soon() {
    let mut bench = Bench::secured(&account());
    bench.says(&sasl_features(&["PLAIN"]));
    bench.says(&sasl("failure", "<temporary-auth-failure/>"));
    assert!(bench.until_connect() <= Duration::from_secs(1));
}

#[test]
fn server_without_a_known_mechanism_or_proof_is_not_believed() {
    let mut bench = Bench::secured(&account());
    bench.says(&sasl_features(&["SCRAM-SHA-256-PLUS", "X-OAUTH2"]));
    let Some(Standing::Retrying { why, .. }) = bench.standing.last() else {
        panic!("it is not online");
    };
    assert!(why.contains("X-OAUTH2"), "{why}");
    let mut bench = Bench::secured(&account());
    bench.says(&sasl_features(&["SCRAM-SHA-1"]));
    bench.says(&sasl("success", ""));
    let Some(Standing::Retrying { why, .. }) = bench.standing.last() else {
        panic!("it is not online");
    };
    assert!(why.contains("prove"), "{why}");
}

#[test]
fn session_goes_on_after_a_cut_with_nothing_lost_or_doubled() {
    let mut bench = Bench::online(&account());
    // Carbons and presence are two.
    bench.acknowledges(2);
    bench.written();
    for id in ["1", "2", "3"] {
        bench.send(note(id)).unwrap();
    }
    assert_eq!(ids(&bench.written()), ["1", "2", "3"]);
    bench.says("<message id='in1' from='bob@example.org/x'/>");
    bench.acknowledges(3);
    bench.cut();
    bench.send(note("4")).unwrap();
    bench.until_connect();
    bench.secure();
    bench.prove();
    bench.written();
    bench.says(BIND_FEATURES);
    let resume: Element = bench.written().parse().unwrap();
    assert_eq!(resume.name(), "resume");
    assert_eq!(
        (resume.attr("previd"), resume.attr("h")),
        (Some("some"), Some("1"))
    );
    // The second had arrived, the third had not.
    bench.says("<resumed xmlns='urn:xmpp:sm:3' previd='some' h='4'/>");
    assert_eq!(ids(&bench.written()), ["3", "4"]);
    bench.says("<message id='in2' from='bob@example.org/x'/>");
    let arrived: Vec<_> = bench
        .stanzas
        .iter()
        .filter_map(|one| one.attr("id"))
        .collect();
    assert_eq!(arrived, ["in1", "in2"]);
    assert!(bench.undelivered.is_empty());
    bench.says("<r xmlns='urn:xmpp:sm:3'/>");
    assert!(bench.written().contains("h='2'"));
    bench.acknowledges(6);
    assert_eq!(bench.agent.census(), (1, 1));
}

#[test]
fn session_that_is_gone_is_begun_anew_and_the_rest_goes_where_the_server_knows_it() {
    for (failed, again, lost) in [
        ("<failed xmlns='urn:xmpp:sm:3' h='3'/>", vec!["2"], 0),
        // Presence and both; whoever waits for the answer about carbons has it: there is none.
        ("<failed xmlns='urn:xmpp:sm:3'/>", vec![], 3),
    ] {
        let mut bench = Bench::online(&account());
        bench.send(note("1")).unwrap();
        bench.send(note("2")).unwrap();
        bench.cut();
        bench.until_connect();
        bench.secure();
        bench.prove();
        bench.says(BIND_FEATURES);
        bench.says(failed);
        bench.written();
        bench.says(BOUND);
        bench.says("<enabled xmlns='urn:xmpp:sm:3' id='other' resume='true'/>");
        assert_eq!(ids(&bench.written()), again);
        assert_eq!(bench.undelivered.len(), lost, "{failed}");
    }
}

#[test]
fn what_is_not_acknowledged_is_bounded_and_the_rest_waits() {
    let mut config = account();
    config.xmpp.unacked_max = 4;
    let mut bench = Bench::online(&config);
    bench.written();
    for id in ["1", "2", "3"] {
        bench.send(note(id)).unwrap();
    }
    assert_eq!(ids(&bench.written()), ["1", "2"]);
    bench.acknowledges(3);
    assert_eq!(ids(&bench.written()), ["3"]);
}

#[test]
fn server_that_acknowledges_too_much_is_left() {
    let mut bench = Bench::online(&account());
    bench.acknowledges(77);
    assert!(matches!(
        bench.standing.as_slice(),
        [Standing::Retrying { .. }]
    ));
}

#[test]
fn stanza_that_breaks_the_stream_does_not_come_again_with_the_session() {
    let mut bench = Bench::online(&account());
    bench.says("<message id='in1' from='bob@example.org/x'/>");
    bench.says("<message from='eve@example.org/x'><a>&undeclared;</a></message>");
    assert!(bench.written().contains("<not-well-formed"));
    bench.until_connect();
    bench.secure();
    bench.prove();
    bench.written();
    bench.says(BIND_FEATURES);
    let resume: Element = bench.written().parse().unwrap();
    assert_eq!(
        resume.attr("h"),
        Some("2"),
        "the broken one is counted as had"
    );
}

#[test]
fn stanza_that_is_passed_over_is_counted_as_had() {
    let mut bench = Bench::online(&account());
    let long = "x".repeat(500_000);
    bench.says(&format!(
        "<message from='eve@example.org/x'><a b='{long}'/></message>"
    ));
    bench.written();
    bench.says("<r xmlns='urn:xmpp:sm:3'/>");
    assert!(bench.written().contains("h='1'"));
}

#[test]
fn server_without_acknowledgements_will_do() {
    let mut bench = Bench::secured(&account());
    bench.prove();
    bench.says(
        "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>",
    );
    bench.says(BOUND);
    assert_eq!(bench.agent.census(), (1, 1));
    bench.written();
    bench.send(note("1")).unwrap();
    assert!(!bench.written().contains("<r "));
}

#[test]
fn refused_resource_and_another_s_address_are_no_login() {
    for answer in [
        "<iq type='error' id='bind'><error type='cancel'><conflict \
         xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
            .to_owned(),
        BOUND.replace("alice@", "eve@"),
    ] {
        let mut bench = Bench::secured(&account());
        bench.prove();
        bench.says(BIND_FEATURES);
        bench.says(&answer);
        assert_eq!(bench.agent.census(), (0, 1), "{answer}");
    }
}

#[test]
fn account_speaks_for_itself_alone_and_the_server_writes_its_name() {
    let mut bench = Bench::online(&account());
    bench.written();
    let from = |from: &str| element("message", ns::CLIENT, &[("id", "1"), ("from", from)]);
    assert_eq!(
        bench.send(from("bob@example.org")),
        Err(NotSent::ForeignFrom)
    );
    bench.send(from("alice@example.org/desk")).unwrap();
    assert!(!bench.written().contains("from="));
}

#[test]
fn account_tells_strangers_nothing_of_itself() {
    let mut bench = Bench::online(&account());
    bench.written();
    for inside in [
        "<ping xmlns='urn:xmpp:ping'/>",
        "<query xmlns='http://jabber.org/protocol/disco#info'/>",
        "<query xmlns='http://jabber.org/protocol/disco#items'/>",
    ] {
        let mut ask = |from: &str| {
            bench.says(&format!(
                "<iq type='get' id='7'{from} to='alice@example.org/desk'>{inside}</iq>"
            ));
            bench.written()
        };
        let refused = ask(" from='eve@evil.example/x'");
        assert!(refused.contains("<service-unavailable"), "{refused}");
        for from in [
            "",
            " from='example.org'",
            " from='alice@example.org/phone'",
            " from='bob@example.org/x'",
        ] {
            let told = ask(from);
            assert!(told.contains("type='result'"), "{from}: {told}");
        }
    }
}
