//! Names: methods (RFC 3261 §7.1) and header fields (§7.3, §20) with their compact forms (§7.3.3).

use std::fmt;

macro_rules! names {
    ($(#[$doc:meta])* $kind:ident { $($variant:ident $text:literal $compact:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub enum $kind {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
            /// Any other, as it was written.
            Other(Box<str>),
        }

        impl $kind {
            /// The name as it is written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }

            const KNOWN: &'static [(&'static str, &'static str, Self)] =
                &[$(($text, $compact, Self::$variant),)*];
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

names! {
    /// A method. Case matters (RFC 3261 §7.1).
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    Method {
        Invite "INVITE" "",
        Ack "ACK" "",
        Bye "BYE" "",
        Cancel "CANCEL" "",
        Options "OPTIONS" "",
        Register "REGISTER" "",
        Info "INFO" "",
        Update "UPDATE" "",
        Prack "PRACK" "",
        Refer "REFER" "",
        Notify "NOTIFY" "",
        Subscribe "SUBSCRIBE" "",
        Message "MESSAGE" "",
        Publish "PUBLISH" "",
    }
}

names! {
    /// The name of a header field. Case does not matter (RFC 3261 §7.3.1), in names that are not
    /// listed here either; the compact form is the same name.
    Name {
        Via "Via" "v",
        From "From" "f",
        To "To" "t",
        CallId "Call-ID" "i",
        CSeq "CSeq" "",
        Contact "Contact" "m",
        MaxForwards "Max-Forwards" "",
        ContentLength "Content-Length" "l",
        ContentType "Content-Type" "c",
        ContentEncoding "Content-Encoding" "e",
        ContentDisposition "Content-Disposition" "",
        Route "Route" "",
        RecordRoute "Record-Route" "",
        Allow "Allow" "",
        Supported "Supported" "k",
        Require "Require" "",
        ProxyRequire "Proxy-Require" "",
        Unsupported "Unsupported" "",
        Accept "Accept" "",
        UserAgent "User-Agent" "",
        Server "Server" "",
        Expires "Expires" "",
        MinExpires "Min-Expires" "",
        RetryAfter "Retry-After" "",
        Reason "Reason" "",
        Warning "Warning" "",
        WwwAuthenticate "WWW-Authenticate" "",
        ProxyAuthenticate "Proxy-Authenticate" "",
        Authorization "Authorization" "",
        ProxyAuthorization "Proxy-Authorization" "",
        Subject "Subject" "s",
        Event "Event" "o",
        SubscriptionState "Subscription-State" "",
        InfoPackage "Info-Package" "",
        RecvInfo "Recv-Info" "",
        PAssertedIdentity "P-Asserted-Identity" "",
        PPreferredIdentity "P-Preferred-Identity" "",
        Privacy "Privacy" "",
        Date "Date" "",
        RSeq "RSeq" "",
        RAck "RAck" "",
        SessionExpires "Session-Expires" "x",
        MinSe "Min-SE" "",
        ReferTo "Refer-To" "r",
        ReferredBy "Referred-By" "b",
        Replaces "Replaces" "",
        AllowEvents "Allow-Events" "u",
        AuthenticationInfo "Authentication-Info" "",
        Path "Path" "",
        ServiceRoute "Service-Route" "",
        AcceptContact "Accept-Contact" "a",
        RejectContact "Reject-Contact" "j",
        RequestDisposition "Request-Disposition" "d",
        Identity "Identity" "y",
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Other(one), Self::Other(two)) => one.eq_ignore_ascii_case(two),
            (one, two) => std::mem::discriminant(one) == std::mem::discriminant(two),
        }
    }
}

impl Eq for Name {}

impl Method {
    /// Reads a method; `None` where it is no token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !is_token(text) {
            return None;
        }
        let known = Self::KNOWN.iter().find(|(name, ..)| *name == text);
        Some(known.map_or_else(|| Self::Other(text.into()), |(.., method)| method.clone()))
    }
}

impl Name {
    /// Reads a header field's name; `None` where it is no token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !is_token(text) {
            return None;
        }
        let known = Self::KNOWN.iter().find(|(name, compact, _)| {
            name.eq_ignore_ascii_case(text)
                || (!compact.is_empty() && compact.eq_ignore_ascii_case(text))
        });
        Some(known.map_or_else(|| Self::Other(text.into()), |(.., name)| name.clone()))
    }
}

/// Whether the text is a token (RFC 3261 §25.1).
#[must_use]
pub fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_and_odd_spellings_are_the_same_name() {
        assert_eq!(Name::parse("v"), Some(Name::Via));
        assert_eq!(Name::parse("cALL-iD"), Some(Name::CallId));
        assert_eq!(
            Name::parse("X-Y").map(|name| name.to_string()).as_deref(),
            Some("X-Y")
        );
        assert_eq!(Name::parse("a b"), None);
    }

    #[test]
    fn unknown_name_is_the_same_in_any_case() {
        assert_eq!(Name::parse("X-Tenant"), Name::parse("x-TENANT"));
        assert_ne!(Name::parse("X-Tenant"), Name::parse("X-Tenants"));
        assert_ne!(Name::parse("X-Tenant"), Name::parse("Via"));
    }

    #[test]
    fn no_two_names_share_a_compact_form() {
        let mut forms: Vec<_> = Name::KNOWN.iter().map(|(_, compact, _)| *compact).collect();
        forms.retain(|compact| !compact.is_empty());
        let count = forms.len();
        forms.sort_unstable();
        forms.dedup();
        assert_eq!(forms.len(), count);
    }

    #[test]
    fn method_in_lower_case_is_another_method() {
        assert_eq!(
            Method::parse("invite"),
            Some(Method::Other("invite".into()))
        );
        assert_eq!(Method::parse("INVITE"), Some(Method::Invite));
    }
}
