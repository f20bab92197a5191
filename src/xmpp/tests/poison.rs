//! Stanzas that end the streams of others: none of them ends, stalls or confuses ours.

use super::*;
use crate::xmpp::stream::{Broken, Item, Limits, Reader, Skip};

fn sane(bench: &mut Bench) {
    bench.written();
    bench.says(
        "<iq type='get' id='sane' from='bob@example.org/x' to='+1@gw.example'>\
         <ping xmlns='urn:xmpp:ping'/></iq>",
    );
    let written = bench.written();
    assert!(
        written.contains("id='sane'") && written.contains("type='result'"),
        "{written}"
    );
    assert_eq!(bench.standing, [], "the stream has not ended");
}

#[test]
fn child_that_comes_twice_changes_nothing() {
    let mut bench = Bench::component(&component());
    bench.says(
        "<message from='bob@example.org/x' to='+1@gw.example'><thread>a</thread><thread>b</thread>\
         <body>x</body><subject/><subject/></message>",
    );
    assert_eq!(bench.stanzas.len(), 1);
    sane(&mut bench);
}

#[test]
fn attribute_of_eight_kilobytes_is_read_and_one_of_five_hundred_is_passed_over() {
    let mut bench = Bench::component(&component());
    let with = |length: usize| {
        let long = "x".repeat(length);
        format!(
            "<message from='bob@example.org/x' to='+1@gw.example'><a xmlns='urn:x' b='{long}'/>\
             </message>"
        )
    };
    bench.says(&with(8193));
    let attribute = bench.stanzas[0].children().next().and_then(|a| a.attr("b"));
    assert_eq!(attribute.map(str::len), Some(8193));
    bench.says(&with(500_000));
    assert_eq!((bench.stanzas.len(), bench.agent.counts().skipped), (1, 1));
    sane(&mut bench);
}

#[test]
fn request_that_is_passed_over_is_answered() {
    let mut bench = Bench::component(&component());
    let long = "x".repeat(500_000);
    bench.says(&format!(
        "<iq type='set' id='9' from='bob@example.org/x' to='+1@gw.example'><jingle \
         xmlns='urn:xmpp:jingle:1'>{long}</jingle></iq>"
    ));
    let written = bench.written();
    assert!(
        written.contains("<policy-violation") && written.contains("id='9'"),
        "{written}"
    );
    sane(&mut bench);
}

#[test]
fn each_limit_passes_over_one_stanza_and_counts_it() {
    let deep = "<a>".repeat(40) + &"</a>".repeat(40);
    let wide = "<a/>".repeat(6000);
    let many: String = (0..80).map(|n| format!(" a{n}='1'")).collect();
    let name = "n".repeat(70_000);
    let mut bench = Bench::component(&component());
    for (count, inside) in [
        deep,
        wide,
        format!("<a{many}/>"),
        format!("<{name}/>"),
        "<a b='1' b='2'/>".into(),
        "<x:a/>".into(),
        "<a x:b='1'/>".into(),
        "x".repeat(263_000),
    ]
    .into_iter()
    .enumerate()
    {
        bench.says(&format!(
            "<message from='bob@example.org/x' to='+1@gw.example'>{inside}</message>"
        ));
        assert!(bench.stanzas.is_empty(), "{count}");
        assert_eq!(bench.agent.counts().skipped, count as u64 + 1);
        sane(&mut bench);
    }
}

#[test]
fn what_is_for_somebody_else_or_of_nobody_is_counted() {
    let mut bench = Bench::component(&component());
    for addresses in [
        "to='+1@gw.example'",
        "from='bob@example.org'",
        "from='bob@example.org' to='bob@example.org'",
        "from='' to='+1@gw.example'",
        "from='a@b@c' to='+1@gw.example'",
        "from='bob@example.org' to='@gw.example'",
    ] {
        for name in ["message", "presence", "iq type='get' id='1'", "iq"] {
            let end = name.split(' ').next().unwrap();
            bench.says(&format!("<{name} {addresses}><a xmlns='urn:x'/></{end}>"));
        }
    }
    assert!(bench.stanzas.is_empty() && bench.answered.is_empty());
    assert_eq!(bench.written(), "");
    assert_eq!(bench.agent.counts().misaddressed, 24);
    sane(&mut bench);
}

#[test]
fn iq_of_no_type_and_names_that_are_no_stanza_are_counted() {
    let mut bench = Bench::component(&component());
    let both = "from='bob@example.org/x' to='+1@gw.example'";
    bench.says(&format!(
        "<iq {both}/><iq type='odd' {both}/><junk {both}/>"
    ));
    bench.says(&format!("<message xmlns='urn:x' {both}/>"));
    assert_eq!(bench.agent.counts().malformed, 4);
    sane(&mut bench);
}

#[test]
fn text_between_stanzas_is_passed_over() {
    let mut bench = Bench::component(&component());
    bench.says(" junk <!");
    // A comment is no XML of streams: that one does end it, by its name.
    bench.says("-- x -->");
    bench.is("
        0 <  junk <!
        0 < -- x -->
        0 > <stream:error><restricted-xml xmlns='urn:ietf:params:xml:ns:xmpp-s
        0 ! close
        0 = later: the server does not keep to the protocol: the server sent X
    ");
}

#[test]
fn broken_xml_ends_the_stream_by_its_name_and_it_begins_again() {
    for broken in [
        "<a></b>",
        "<a b=c/>",
        "<a>&nbsp;</a>",
        "\u{1}",
        "<a>\u{0}</a>",
    ] {
        let mut bench = Bench::component(&component());
        bench.says(broken);
        let written = bench.written();
        assert!(written.contains("<not-well-formed"), "{broken}: {written}");
        assert!(matches!(
            bench.standing.as_slice(),
            [Standing::Retrying { .. }]
        ));
        assert_eq!(bench.agent.counts().broken, 1);
        bench.until_connect();
        bench.log_in();
        sane(&mut bench);
    }
}

#[test]
fn stanza_without_end_ends_the_stream() {
    let mut bench = Bench::component(&component());
    bench.says("<message from='bob@example.org/x' to='+1@gw.example'><a>");
    for _ in 0..90 {
        bench.says(&"<b>text</b>".repeat(5000));
    }
    assert!(bench.written().contains("<policy-violation"));
}

fn limits() -> Limits {
    Limits::from(&Config::default().xmpp)
}

#[test]
fn any_cut_of_a_stream_gives_the_same_stanzas() {
    let text = format!(
        "{COMPONENT_HEAD} <message xml:lang='de'><body>a &lt; ü &#x1F600; <![CDATA[<b>]]></body>\
         </message>\n<x:y xmlns:x='urn:x' x:z='1'/><iq/></stream:stream>"
    );
    let read = |cut: usize| {
        let mut reader = Reader::new(limits());
        let (mut items, bytes) = (Vec::new(), text.as_bytes());
        for mut part in bytes.chunks(cut) {
            while let Some(item) = reader.read(&mut part).unwrap() {
                items.push(item);
            }
        }
        items
    };
    let whole = read(10_000);
    assert_eq!(whole.len(), 5, "{whole:?}");
    let Item::Stanza(message) = &whole[1] else {
        panic!("a message");
    };
    assert_eq!(message.children().next().unwrap().text(), "a < ü 😀 <b>");
    for cut in 1..80 {
        assert_eq!(read(cut), whole, "cut at {cut}");
    }
}

#[test]
fn head_of_a_stanza_that_is_passed_over_is_what_came_before() {
    let mut reader = Reader::new(limits());
    let long = "x".repeat(70_000);
    let (first, second) = (format!("<a b='{long}'/>"), format!("<iq b='{long}'/>"));
    let text = format!("{COMPONENT_HEAD}<iq id='1' type='get'>{first}</iq>{second}");
    let mut bytes = text.as_bytes();
    let mut skipped = Vec::new();
    while let Some(item) = reader.read(&mut bytes).unwrap() {
        if let Item::Skipped(one) = item {
            skipped.push(one);
        }
    }
    assert_eq!(skipped.len(), 2);
    let head = skipped[0].head.as_ref().unwrap();
    assert_eq!((head.name(), head.attr("id")), ("iq", Some("1")));
    assert_eq!((skipped[1].why, &skipped[1].head), (Skip::Attribute, &None));
}

#[test]
fn what_is_no_stream_is_refused() {
    for (text, wanted) in [
        ("<html>", Broken::NoStream),
        ("<stream>", Broken::NoStream),
        ("<stream xmlns='urn:x'>", Broken::NoStream),
    ] {
        let mut reader = Reader::new(limits());
        assert_eq!(reader.read(&mut text.as_bytes()), Err(wanted), "{text}");
    }
    let mut reader = Reader::new(limits());
    let text = format!("<stream a='{}'>", "x".repeat(70_000));
    let refused = reader.read(&mut text.as_bytes());
    assert!(matches!(refused, Err(Broken::Restricted(_))), "{refused:?}");
}
