//! The configuration of the gateway that is measured: defaults, except who may come in, where calls
//! go, and the limits of one user, since few users stand for many here.

use std::fmt::Write as _;
use std::net::SocketAddr;

/// Users of the configuration. A connection is of the user of its number, modulo this.
pub(crate) const USERS: u32 = 1000;

/// The addresses of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    /// The gateway's WebSocket.
    pub(crate) ws: SocketAddr,
    /// The gateway's SIP.
    pub(crate) sip: SocketAddr,
    /// The phone and registrar.
    pub(crate) phone: SocketAddr,
}

/// The file, with as many accounts that register.
pub(crate) fn text(addresses: &Addresses, accounts: usize) -> String {
    let Addresses { ws, sip, phone } = addresses;
    let mut out = format!(
        r#"[server]
listen = ["{ws}"]
page = false
[sip]
listen = ["udp:{sip}"]
[call]
calls_per_user = 100000
[client]
frames_per_second = 100000
frames_burst = 100000
[[trunk]]
name = "load"
uri = "sip:{phone}"
udp_max_bytes = 65000
health = "0s"
[[route]]
match = "*"
to = "trunk:load"
"#
    );
    for user in 0..USERS {
        let token = crate::load::token(user);
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "[[auth.user]]\nname = \"u{user}\"\ntoken = \"{token}\""
        );
    }
    for account in 0..accounts {
        let owner = account % USERS as usize;
        let _ = writeln!(
            out,
            "[[account]]\nname = \"a{account}\"\nowner = \"u{owner}\"\n\
             uri = \"sip:r{account}@{phone}\"\ntrunk = \"load\"\npassword = \"secret\"\n\
             expires = \"1m\""
        );
    }
    out
}
