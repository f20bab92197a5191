//! Claims about checking: nothing is told twice, nothing is left out, each has its line.

use super::load;
use crate::config::{Config, Mistake};

/// The mistakes of a text, each as its line and its key.
fn mistakes(text: &str) -> Vec<(usize, String)> {
    let told = told(text).into_iter();
    told.map(|mistake| (mistake.line, mistake.key)).collect()
}

fn told(text: &str) -> Vec<Mistake> {
    load(text).map_or_else(|mistakes| mistakes.0, |_| Vec::new())
}

/// The words of the one mistake of a text.
fn only(text: &str) -> String {
    let told = told(text);
    assert_eq!(told.len(), 1, "{told:?}");
    told[0].to_string()
}

#[test]
fn all_mistakes_are_told_at_once_with_key_and_line() {
    let text = "[server]\nlisten = [\"127.0.0.1:8080\"]\npaeg = true\n\n[[trunk]]\n\
                name = \"a\"\nuri = \"pbx\"\n\n[[trunk]]\nname = \"a\"\nuri = \"sip:b\"\n\n\
                [call]\nno_answer = \"soon\"\ncalls_max = 0\n";
    let all = [
        (3, "server.paeg"),
        (7, "trunk[0].uri"),
        (10, "trunk[1].name"),
        (14, "call.no_answer"),
        (15, "call.calls_max"),
    ];
    assert_eq!(
        mistakes(text),
        all.map(|(line, key)| (line, key.to_owned()))
    );
}

#[test]
fn unknown_key_names_its_line_and_what_is_known() {
    let told = only("[sip]\nt1 = \"1s\"\nudp_max = 1300\n");
    assert!(told.starts_with("line 3: sip.udp_max: "), "{told}");
    assert!(told.contains("udp_max_bytes"), "{told}");
}

#[test]
fn unknown_section_is_told_once() {
    assert_eq!(
        mistakes("\n[sips]\nt1 = \"1s\"\nt2 = \"1s\"\n"),
        [(2, "sips".to_owned())]
    );
}

#[test]
fn key_that_is_missing_is_told_at_its_section() {
    let text = "[server.tls]\ncertificate = \"a.pem\"\n\n[auth.http]\ntimeout = \"1s\"\n";
    let all = [(1, "server.tls"), (4, "auth.http")];
    assert_eq!(
        mistakes(text),
        all.map(|(line, key)| (line, key.to_owned()))
    );
}

#[test]
fn key_of_wrong_form_is_not_judged_again_nor_what_depends_on_it() {
    let text = "[[trunk]]\nname = 5\nuri = \"sip:a\"\n[[account]]\nname = \"a\"\n\
                uri = \"sip:1@a\"\nowner = \"o\"\ntrunk = \"t\"\n\
                [[route]]\nmatch = \"*\"\nto = \"trunk:t\"\n";
    assert_eq!(mistakes(text), [(2, "trunk[0].name".to_owned())]);
}

#[test]
fn what_is_no_toml_has_its_line() {
    let told = told("[sip]\nt1 = \"1s\"\n\n[server\npage = true\nnonsense\n");
    assert!(told.iter().any(|mistake| mistake.line == 4), "{told:?}");
    assert!(told.iter().any(|mistake| mistake.line == 6), "{told:?}");
}

#[test]
fn deep_and_long_nonsense_ends() {
    assert!(load(&"[".repeat(20_000)).is_err());
    assert!(load(&format!("a = {}", "[".repeat(20_000))).is_err());
    let many: String = (0..500).map(|n| format!("key{n} = 1\n")).collect();
    assert!(load(&many).is_err());
}

/// Each a text that has one mistake, the line and key of which are given.
#[test]
fn each_rule_finds_its_mistake() {
    let cases = [
        ("server.listen = []", "server.listen"),
        (
            "server.listen = [\"0.0.0.0:80\", \"127.0.0.1:80\"]",
            "server.listen[1]",
        ),
        (
            "server.metrics_listen = \"127.0.0.1:8080\"",
            "server.metrics_listen",
        ),
        ("server.listen = [\"127.0.0.1:5060\"]", "sip.listen[1]"),
        ("server.origins = [\"phone.example\"]", "server.origins[0]"),
        (
            "server.origins = [\"https://phone.example/page\"]",
            "server.origins[0]",
        ),
        ("sip.listen = []", "sip.listen"),
        ("sip.listen = [\"udp:0.0.0.0:5060\"]", "sip.listen"),
        ("sip.listen = [\"tls:127.0.0.1:5061\"]", "sip.listen[0]"),
        ("sip.tls.key = \"a\"", "sip.tls.key"),
        ("sip.public_address = \"0.0.0.0\"", "sip.public_address"),
        (
            "sip.public_address = \"a.example:5060\"",
            "sip.public_address",
        ),
        ("sip.user_agent = \"a\\r\\nVia: b\"", "sip.user_agent"),
        ("sip.t1 = \"5s\"", "sip.t2"),
        ("sip.headers_max = 0", "sip.headers_max"),
        ("call.gather_good = \"4s\"", "call.gather_max"),
        ("call.drain = \"90d\"", "call.drain"),
        ("client.heartbeat = \"60s\"", "client.heartbeat_deadline"),
        (
            "client.ice_server = [{ urls = [] }]",
            "client.ice_server[0].urls",
        ),
        (
            "client.ice_server = [{ urls = [\"http://a\"] }]",
            "client.ice_server[0].urls[0]",
        ),
        (
            "client.ice_server = [{ urls = [\"turn:a\"] }]",
            "client.ice_server[0].urls",
        ),
        ("auth.jwt = {}", "auth.jwt"),
        (
            "auth.jwt.hs256_secret = \"secret\"",
            "auth.jwt.hs256_secret",
        ),
        ("auth.jwt.hs256_secret = \"…\"", "auth.jwt.hs256_secret"),
        (
            "auth.jwt.eddsa_public_key = \"key\"",
            "auth.jwt.eddsa_public_key",
        ),
        ("auth.jwt.jwks_url = \"keys.example\"", "auth.jwt.jwks_url"),
        (
            "auth.jwt.jwks_url = \"http://keys.example/jwks.json\"",
            "auth.jwt.jwks_url",
        ),
        ("auth.http.url = \"ftp://a\"", "auth.http.url"),
        (
            "auth.user = [{ name = \"a\", token = \"short\" }]",
            "auth.user[0].token",
        ),
        (
            "auth.user = [{ name = \"a b\", token = \"12345678\" }]",
            "auth.user[0].name",
        ),
        ("xmpp.retry_max = \"10ms\"", "xmpp.retry_max"),
        ("xmpp.ping_deadline = \"0s\"", "xmpp.ping_deadline"),
        ("xmpp.depth_max = 2", "xmpp.depth_max"),
        ("xmpp.skipped_bytes_max = 20000", "xmpp.skipped_bytes_max"),
        (
            "xmpp.attribute_bytes_max = 300000",
            "xmpp.attribute_bytes_max",
        ),
        ("log.level = \"a=b=c\"", "log.level"),
        ("trace.memory_bytes_max = 10", "trace.memory_bytes_max"),
        ("shedding.retry_after = \"0s\"", "shedding.retry_after"),
        (
            "route = [{ match = \"**\", to = \"user:a\" }]",
            "route[0].match",
        ),
        (
            "route = [{ match = \"1\", to = \"trunk:a\" }]",
            "route[0].to",
        ),
        (
            "route = [{ match = \"1\", to = \"reject:never\" }]",
            "route[0].to",
        ),
        (
            "route = [{ match = \"1\", to = \"user:{*}\" }]",
            "route[0].to",
        ),
        (
            "route = [{ match = \"1\", to = \"account\", dial = \"{1}\" }]",
            "route[0].dial",
        ),
        (
            "route = [{ match = \"1\", to = \"user:a\", dial = \"2\" }]",
            "route[0].dial",
        ),
    ];
    for (text, key) in cases {
        let what = format!("{text}: {:?}", told(text));
        let keys: Vec<_> = mistakes(text).into_iter().map(|(_, key)| key).collect();
        assert_eq!(keys, [key], "{what}");
    }
}

#[test]
fn each_rule_of_trunks_finds_its_mistake() {
    let cases = [
        ("uri = \"pbx\"", "uri"),
        ("uri = \"sip:pbx:99999\"", "uri"),
        ("uri = \"sip:2001:db8::1\"", "uri"),
        ("uri = \"sip:pbx;transport=sctp\"", "uri"),
        ("addresses = [\"192.0.2.0/33\"]", "addresses[0]"),
        ("addresses = [\"::1\", \"pbx\"]", "addresses[1]"),
        ("user = \"a\"", "user"),
        ("password = \"a\"", "password"),
        ("from_domain = \"a b\"", "from_domain"),
        ("udp_max_bytes = 100", "udp_max_bytes"),
        ("health = \"10ms\"", "health"),
        ("headers = [\"X-A\", \"Via\"]", "headers[1]"),
        ("headers = [\"X A\"]", "headers[0]"),
        ("codecs = []", "codecs"),
        ("incoming_to = \"alice\"", "incoming_to"),
    ];
    for (line, key) in cases {
        let uri = if line.starts_with("uri") {
            ""
        } else {
            "uri = \"sip:[::1]:5060\"\n"
        };
        let text = format!("[[trunk]]\nname = \"t\"\n{uri}{line}\n");
        let number = text.lines().count();
        assert_eq!(
            mistakes(&text),
            [(number, format!("trunk[0].{key}"))],
            "{text}"
        );
    }
}

#[test]
fn each_rule_of_chat_servers_finds_its_mistake() {
    let component = |but: &str| {
        let lines = ["name = \"c\"", "domain = \"gw.example\"", "secret = \"s\""];
        let key = but.split(' ').next().unwrap_or_default();
        let kept = lines.iter().filter(|line| !line.starts_with(key));
        let kept: Vec<_> = kept.copied().collect();
        format!("[[component]]\n{}\n{but}\n", kept.join("\n"))
    };
    assert_eq!(mistakes(&component("port = 1")), []);
    for but in [
        "name = \"a b\"",
        "domain = \"a@b\"",
        "domain = \"\"",
        "host = \"a:1\"",
        "port = 0",
        "secret = \"\"",
        "secret = \"…\"",
        "ca = \"ca.pem\"",
        "tls_name = \"a\"",
        "serves = []",
        "callers = [\"example.org\"]",
        "destinations = [\"+49*\", \"*+1*\"]",
    ] {
        let key = match but.split(' ').next().unwrap() {
            "callers" => "component[0].callers[0]".to_owned(),
            "destinations" => "component[0].destinations[1]".to_owned(),
            name => format!("component[0].{name}"),
        };
        let keys: Vec<_> = mistakes(&component(but))
            .into_iter()
            .map(|(_, key)| key)
            .collect();
        assert_eq!(keys, [key], "{but}: {:?}", told(&component(but)));
    }
    let account = |jid: &str, rest: &str| {
        format!("[[xmpp_account]]\nname = \"a\"\njid = \"{jid}\"\npassword = \"p\"\n{rest}\n")
    };
    assert_eq!(
        mistakes(&account("a@b", "owner = \"a\"\nserver = \"[::1]:5\"")),
        []
    );
    for (text, key) in [
        (account("b", "owner = \"a\""), "jid"),
        (account("a@b", ""), "owner"),
        (account("a@b", "owner = \"a\"\nserver = \"h:x\""), "server"),
        (
            account("a@b", "owner = \"a\"\ncallers = [\"a@b/c\"]"),
            "callers[0]",
        ),
    ] {
        let keys: Vec<_> = mistakes(&text).into_iter().map(|(_, key)| key).collect();
        assert_eq!(keys, [format!("xmpp_account[0].{key}")], "{text}");
    }
    let two = format!("{}{}", component("port = 1"), component("port = 2"));
    let keys: Vec<_> = mistakes(&two).into_iter().map(|(_, key)| key).collect();
    assert_eq!(keys, ["component[1].name", "component[1].domain"]);
}

#[test]
fn account_needs_a_trunk_that_is_known() {
    let text = "[[account]]\nname = \"a\"\nuri = \"sip:1@x\"\nowner = \"o\"\ntrunk = \"t\"\n";
    assert_eq!(mistakes(text), [(5, "account[0].trunk".to_owned())]);
}

#[test]
fn token_is_one_user_s_only() {
    let text = "[[auth.user]]\nname = \"a\"\ntoken = \"12345678\"\n\
                [[auth.user]]\nname = \"b\"\ntoken = \"12345678\"\n";
    assert_eq!(mistakes(text), [(6, "auth.user[1].token".to_owned())]);
}

const SECRETS: &str = "[auth.jwt]\nhs256_secret = \"0123456789-opensesame-0123456789\"\n\
    [[auth.user]]\nname = \"a\"\ntoken = \"opensesame\"\n\
    [[trunk]]\nname = \"t\"\nuri = \"sip:pbx\"\nuser = \"u\"\npassword = \"opensesame\"\n\
    [[account]]\nname = \"a\"\nuri = \"sip:1@pbx\"\ntrunk = \"t\"\nowner = \"a\"\n\
    password = \"opensesame\"\n\
    [[client.ice_server]]\nurls = [\"turn:t\"]\nusername = \"u\"\ncredential = \"opensesame\"\n";

#[test]
fn secrets_are_never_printed() {
    let config = load(SECRETS).unwrap();
    assert!(
        !config.effective().contains("opensesame"),
        "{}",
        config.effective()
    );
    assert!(!format!("{config:?}").contains("opensesame"));
    assert_eq!(config.effective().matches('…').count(), 5);
}

#[test]
fn secret_of_wrong_form_is_not_told() {
    let told = told("[auth]\njwt.hs256_secret = \"opensesame\"\nuser = \"opensesame\"\n");
    let told: String = told.iter().map(ToString::to_string).collect();
    assert!(!told.contains("opensesame"), "{told}");
}

#[test]
fn what_is_printed_can_be_read_again() {
    let config = Config::default();
    assert_eq!(load(&config.effective()), Ok(config));
    let config = Config::demo(([127, 0, 0, 1], 5070).into());
    assert_eq!(load(&config.effective()), Ok(config));
}

#[test]
fn secrets_that_were_hidden_are_told_when_what_was_printed_is_read() {
    let printed = load(SECRETS).unwrap().effective();
    let keys: Vec<_> = told(&printed)
        .into_iter()
        .map(|m| (m.key, m.what.contains('…')))
        .collect();
    let mut names: Vec<_> = keys.iter().map(|(key, _)| key.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "account[0].password",
            "auth.jwt.hs256_secret",
            "auth.user[0].token",
            "client.ice_server[0].credential",
            "trunk[0].password",
        ]
    );
    assert!(keys.iter().all(|(_, says)| *says), "{keys:?}");
}

#[test]
fn keys_are_asked_for_over_tls_or_on_this_machine() {
    for url in [
        "https://keys.example/jwks.json",
        "http://127.0.0.1:9000/jwks.json",
        "http://[::1]/jwks.json",
        "http://localhost/jwks.json",
    ] {
        let text = format!("[auth.jwt]\njwks_url = \"{url}\"\n");
        assert!(mistakes(&text).is_empty(), "{url}");
    }
    let text = "[auth.jwt]\nissuer = \"a\"\njwks_url = \"http://localhost.example/keys\"\n";
    assert_eq!(mistakes(text), [(3, "auth.jwt.jwks_url".to_owned())]);
}
