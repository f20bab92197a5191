//! The command line.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is what a person reads"
)]

use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use crate::config::{Config, Format, Listener, Log};
use crate::demo::Phone;
use crate::jingle::sdp::{Peer, Sections};
use crate::jingle::{Action, Jingle, Lost, Role, find, parse, print};
use crate::net::{self, Shell, process};
use crate::sdp::{Limits, Profile, SessionDescription, What, explain};
use crate::ws::auth::{Claims, claims, mint};

/// Browsers call phones and are called by them: JSON on a WebSocket on one side, SIP on the other.
#[derive(Debug, Parser)]
#[command(name = "crosspoint", version, about, after_help = EXAMPLES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
To try it:      crosspoint demo                      and open http://127.0.0.1:8080/
Beside a PBX:   crosspoint check gateway.toml        all mistakes at once
                crosspoint run --config gateway.toml
A token:        crosspoint token --config gateway.toml --user alice
A call:         crosspoint ladder                    lists calls of the running gateway
                crosspoint ladder call-17            draws one, JSON and SIP
A description:  crosspoint sdp explain < offer.sdp   what each kind of peer would lose of it
                crosspoint convert --to jingle --role initiator < offer.sdp

Sample configurations are in config/examples/, every key is in config/crosspoint.toml.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the gateway until SIGTERM; then it takes no new calls and ends with the last one.
    ///
    /// A second SIGTERM ends it at once: BYE to every phone, un-REGISTER of every account.
    Run {
        /// The configuration, TOML. `config/crosspoint.toml` has every key with its meaning.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Reads a configuration, tells all mistakes, and prints what would be used, secrets hidden.
    Check {
        /// The configuration.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Runs a gateway on loopback with a page and an echo phone: call `echo` and hear yourself.
    ///
    /// Everybody on this machine may come in. Nothing else has to be installed.
    Demo {
        /// Where the page is.
        #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
        listen: SocketAddr,
        /// Where SIP is, UDP and TCP.
        #[arg(long, default_value = "127.0.0.1:5060", value_name = "ADDRESS")]
        sip: SocketAddr,
        /// Where the echo phone is.
        #[arg(long, default_value = "127.0.0.1:5070", value_name = "ADDRESS")]
        phone: SocketAddr,
    },
    /// Makes a token for trying, signed with the configuration's `auth.jwt.hs256_secret`.
    Token {
        /// The user.
        #[arg(long)]
        user: String,
        /// The configuration that has the secret.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// An account that the user may call as; may be given several times.
        #[arg(long = "account", value_name = "NAME")]
        accounts: Vec<String>,
        /// What the user may dial, such as `6*`; may be given several times. Without it, all that
        /// the dial plan allows.
        #[arg(long = "destination", value_name = "PATTERN")]
        destinations: Vec<String>,
        /// What the user may ask for, such as `call.*` or `call.create`; may be given several
        /// times. Without it, everything.
        #[arg(long = "verb", value_name = "TYPE")]
        verbs: Vec<String>,
        /// Calls at once.
        #[arg(long, value_name = "NUMBER")]
        calls_max: Option<usize>,
        /// How long it counts: `30m`, `1h`, `7d`.
        #[arg(long, default_value = "1h", value_parser = duration)]
        lasts: Duration,
    },
    /// Looks at session descriptions.
    Sdp {
        /// What to do with one.
        #[command(subcommand)]
        what: Sdp,
    },
    /// Makes Jingle (XEP-0166) of a session description, or a description of Jingle.
    ///
    /// Reads standard input, prints the result on standard output, and on standard error one line
    /// for each thing that has no place in it: what, and what is done about it. The reasons are in
    /// docs/interworking.md.
    #[command(after_help = CONVERT)]
    Convert {
        /// What to make. `jingle` reads a description, `sdp` reads <jingle/>, alone or in an <iq/>.
        #[arg(long, value_enum)]
        to: To,
        /// Whose description it is. Directions are relative to their author, senders in Jingle are
        /// not: `sendonly` of the responder is `senders='responder'`. The initiator's is read as
        /// the offer, the responder's as the answer.
        #[arg(long, value_enum)]
        role: Side,
        /// The peer is a browser on the same link: mDNS names of candidates are kept.
        #[arg(long)]
        browser: bool,
        /// The session identifier that is written.
        #[arg(long, default_value = "convert", value_name = "SID")]
        sid: String,
    },
    /// Draws a call as a ladder: JSON on one side, SIP on the other, the gateway's reasons between.
    ///
    /// Without a call it lists those that the running gateway remembers.
    Ladder {
        /// The call: its number (`call-17`), the client's id or the Call-ID.
        call: Option<String>,
        /// The running gateway's health and metrics address.
        #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
        at: SocketAddr,
        /// One line a message, without what it holds.
        #[arg(long)]
        brief: bool,
    },
}

const CONVERT: &str = "\
Examples:
  crosspoint convert --to jingle --role initiator < offer.sdp > initiate.xml
  crosspoint convert --to sdp --role initiator < initiate.xml
  crosspoint convert --to jingle --role responder < answer.sdp     a session-accept
  crosspoint convert --to jingle --role initiator < offer.sdp 2>&1 >/dev/null
                                                                   the losses alone

The exit code is 0 also where something was lost, and 1 where nothing can be made of the input.";

/// What is made.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum To {
    /// XML, an element a line.
    Jingle,
    /// A description, CRLF at line ends. Its `o=` is for a leg to write.
    Sdp,
}

/// An end of a session.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Side {
    /// Sent the session-initiate.
    Initiator,
    /// Was sent it.
    Responder,
}

#[derive(Debug, Subcommand)]
enum Sdp {
    /// Reads a description from standard input: bytes by attribute, and what each kind of peer
    /// would lose of it and why.
    ///
    /// Example: crosspoint sdp explain < offer.sdp
    Explain,
}

/// The exit code for a wrong configuration (sysexits: EX_USAGE).
const BAD_CONFIGURATION: u8 = 64;

/// Why the process ends other than well.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The configuration is wrong.
    #[error("{file} has mistakes:\n{mistakes}")]
    Configuration { file: String, mistakes: String },
    /// Something outside is.
    #[error("{0}")]
    Other(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Other(error.to_string())
    }
}

/// Runs what the arguments say.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Run { config } => load(&config).and_then(serve),
        Command::Check { file } => check(&file),
        Command::Demo { listen, sip, phone } => demo(listen, sip, phone),
        Command::Token {
            user,
            config,
            accounts,
            destinations,
            verbs,
            calls_max,
            lasts,
        } => {
            let mut said = claims(&user, net::unix_seconds(), lasts);
            said.accounts = accounts;
            said.destinations = (!destinations.is_empty()).then_some(destinations);
            said.verbs = (!verbs.is_empty()).then_some(verbs);
            said.calls_max = calls_max;
            token(&config, said)
        }
        Command::Sdp { what: Sdp::Explain } => explain_description(),
        Command::Convert {
            to,
            role,
            browser,
            sid,
        } => {
            let peer = if browser {
                Peer::browser()
            } else {
                Peer::native()
            };
            match to {
                To::Jingle => to_jingle(role, &peer, &sid),
                To::Sdp => to_description(role, &peer),
            }
        }
        Command::Ladder { call, at, brief } => ladder(call.as_deref(), at, brief),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("crosspoint: {failure}");
            match failure {
                Failure::Configuration { .. } => ExitCode::from(BAD_CONFIGURATION),
                Failure::Other(_) => ExitCode::FAILURE,
            }
        }
    }
}

fn load(file: &Path) -> Result<Config, Failure> {
    let shown = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::Other(format!("{shown}: {error}")))?;
    Config::load(&text).map_err(|mistakes| Failure::Configuration {
        file: shown,
        mistakes: mistakes.to_string(),
    })
}

fn check(file: &Path) -> Result<(), Failure> {
    let config = load(file)?;
    println!(
        "# {}: no mistakes. This is what will be used.\n",
        file.display()
    );
    print!("{}", config.effective());
    for warning in config.warnings() {
        eprintln!("warning: {warning}");
    }
    Ok(())
}

fn serve(config: Config) -> Result<(), Failure> {
    start_log(&config.log)?;
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    net::block_on(async {
        let shell = Shell::start(config).await?;
        for address in &shell.bound().http {
            tracing::info!("page, WebSocket, health: {address}");
        }
        for address in &shell.bound().sip {
            tracing::info!("SIP: {address}");
        }
        process::stop_on_signals(shell.inbox())?;
        shell.run().await;
        tracing::info!("ended");
        Ok(())
    })
}

fn demo(listen: SocketAddr, sip: SocketAddr, phone: SocketAddr) -> Result<(), Failure> {
    start_log(&Log::default())?;
    net::block_on(async {
        let phone = Phone::start(phone).await?;
        let mut config = Config::demo(phone.address());
        config.server.listen = vec![listen];
        for listener in &mut config.sip.listen {
            *listener = Listener {
                address: sip,
                ..*listener
            };
        }
        let shell = Shell::start(config).await?;
        process::stop_on_signals(shell.inbox())?;
        let page = shell.bound().http.first().copied().unwrap_or(listen);
        println!("\n  Open http://{page}/ and press Call: the echo phone sends your voice back.");
        println!("  Ctrl-C ends it.\n");
        shell.run().await;
        drop(phone);
        Ok(())
    })
}

fn token(config: &Path, mut said: Claims) -> Result<(), Failure> {
    let config = load(config)?;
    let jwt = config.auth.jwt.as_ref();
    let secret = jwt.and_then(|jwt| jwt.hs256_secret.as_ref());
    let (Some(jwt), Some(secret)) = (jwt, secret) else {
        let what = "the configuration has no `auth.jwt.hs256_secret` to sign with";
        return Err(Failure::Other(what.to_owned()));
    };
    said.iss.clone_from(&jwt.issuer);
    said.aud = jwt.audience.clone().map(Into::into);
    println!("{}", mint(&said, secret.reveal()).map_err(Failure::Other)?);
    Ok(())
}

/// Standard input; of an endless one only as much as no limit below takes.
fn input() -> Result<String, Failure> {
    let mut text = String::new();
    io::stdin().take(16 << 20).read_to_string(&mut text)?;
    Ok(text)
}

fn description() -> Result<SessionDescription, Failure> {
    SessionDescription::parse(&input()?, &Limits::default())
        .map_err(|error| Failure::Other(format!("not a description: {error}")))
}

impl Side {
    /// The role, and what a description of it is at the beginning of a session.
    fn begins(self) -> (Role, What, Action) {
        match self {
            Self::Initiator => (Role::Initiator, What::Offer, Action::SessionInitiate),
            Self::Responder => (Role::Responder, What::Answer, Action::SessionAccept),
        }
    }
}

fn tell_losses(lost: &[Lost]) {
    for one in lost {
        eprintln!("lost: {one}");
    }
}

fn to_jingle(side: Side, peer: &Peer, sid: &str) -> Result<(), Failure> {
    let (role, what, action) = side.begins();
    let told = Sections::default().tell(&description()?, role, what, peer);
    tell_losses(&told.lost);
    if told.contents.is_empty() {
        let what = "the description has no section of audio or video in use";
        return Err(Failure::Other(what.to_owned()));
    }
    let mut jingle = Jingle::new(action, sid);
    jingle.contents = told.contents;
    jingle.groups = told.groups;
    print!("{}", print(&jingle.write()));
    Ok(())
}

fn to_description(side: Side, peer: &Peer) -> Result<(), Failure> {
    let limits = Limits::default();
    let refused = |error: String| Failure::Other(format!("not Jingle: {error}"));
    let element = parse(&input()?, &limits).map_err(|error| refused(error.to_string()))?;
    let jingle = find(&element).ok_or_else(|| refused("no <jingle/> is in it".to_owned()))?;
    let jingle = Jingle::read(jingle, &limits).map_err(|error| refused(error.to_string()))?;
    let (role, what, _) = side.begins();
    let mut sections = Sections::default();
    if matches!(side, Side::Responder) {
        // The answer alone is here: its own contents are taken for what was offered.
        let mut seen = Sections::default();
        let offered = seen.hear(&jingle, role, What::Offer, peer, &limits);
        sections = offered.map(|_| seen).unwrap_or_default();
    }
    let heard = sections
        .hear(&jingle, role, what, peer, &limits)
        .map_err(|error| Failure::Other(error.to_string()))?;
    tell_losses(&heard.lost);
    print!("{}", heard.description);
    Ok(())
}

fn explain_description() -> Result<(), Failure> {
    let description = description()?;
    let profiles = [
        ("browser", Profile::browser()),
        ("WebRTC behind SIP", Profile::webrtc()),
        (
            "WebRTC behind SIP by UDP",
            Profile {
                bytes_max: Some(1300),
                ..Profile::webrtc()
            },
        ),
        ("plain RTP behind a relay", Profile::plain_rtp()),
    ];
    println!("{}", explain(&description, &profiles));
    Ok(())
}

fn ladder(call: Option<&str>, at: SocketAddr, brief: bool) -> Result<(), Failure> {
    let path = match call {
        Some(call) => format!("/calls/{call}"),
        None => "/calls".to_owned(),
    };
    let (status, text) = net::block_on(async { net::client::get(at, &path).await })
        .map_err(|error| Failure::Other(format!("no gateway answers at {at}: {error}")))?;
    match (status, call) {
        (200, None) if text.is_empty() => println!("no calls yet"),
        (200, _) if brief => {
            text.lines()
                .filter(|line| !line.starts_with("        |"))
                .for_each(|l| println!("{l}"));
        }
        (200, _) => print!("{text}"),
        (404, Some(call)) => {
            let what = format!("{at} remembers no call `{call}`: `crosspoint ladder` lists them");
            return Err(Failure::Other(what));
        }
        (status, _) => return Err(Failure::Other(format!("{at} answered {status}"))),
    }
    Ok(())
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| error.to_string())
}

fn start_log(log: &Log) -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::try_new(&log.level)
        .map_err(|error| Failure::Other(format!("log.level: {error}")))?;
    let writer = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let started = match log.format {
        Format::Text => writer.with_target(false).try_init(),
        Format::Json => writer.json().try_init(),
    };
    started.map_err(|error| Failure::Other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_option_is_explained() {
        fn look(command: &clap::Command) {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name}");
            for argument in command.get_arguments() {
                let id = argument.get_id();
                let is_own = !["help", "version"].contains(&id.as_str());
                assert!(!is_own || argument.get_help().is_some(), "{name} {id}");
            }
            let inner = command.get_subcommands();
            inner
                .filter(|inner| inner.get_name() != "help")
                .for_each(look);
        }
        let command = Arguments::command();
        command.clone().debug_assert();
        look(&command);
    }
}
