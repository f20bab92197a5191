//! The end of a stream, the next attempt, and what is done when time has passed.

use std::time::{Duration, Instant};

use super::{Entity, Link};
use crate::id::Source;
use crate::xmpp::agent::Standing;
use crate::xmpp::iq::Outcome;
use crate::xmpp::ns;
use crate::xmpp::out::Out;
use crate::xmpp::session::{Failure, Patience, Session};
use crate::xmpp::stream::Broken;
use crate::xmpp::timer::Timer;

/// How often a password may be refused in a row: more only locks the account.
const REFUSALS_MAX: u32 = 3;

/// A stream that lived so long was a good one: the next attempt is the first again.
const STABLE: Duration = Duration::from_secs(10);

impl Entity {
    pub(super) fn lose(
        &mut self,
        failure: Failure,
        broken: Option<&Broken>,
        out: &mut Out,
        ids: &mut Source,
        now: Instant,
    ) {
        if let Some(stream) = self.stream() {
            if let Some(broken) = broken {
                let condition = broken.condition();
                out.bytes(
                    stream,
                    &format!(
                        "<stream:error><{condition} xmlns='{}'/></stream:error>",
                        ns::STREAM_ERRORS
                    ),
                );
            }
            if matches!(self.link, Link::Online { .. } | Link::LoggingIn { .. }) {
                out.bytes(stream, "</stream:stream>");
            }
            out.close(stream);
        }
        self.forget_stream(now);
        self.session.closed();
        let why = failure.to_string();
        tracing::warn!(entity = self.name, why, "not online at a chat server");
        match (failure.patience(), &self.session) {
            (Patience::BackOff, _) => self.retry_after(self.back_off(ids), out, why, now),
            // An operator corrects a component's secret at the server, and it is to come back then.
            (Patience::Refused, Session::Component(_)) => {
                self.retry_after(self.settings.refused_retry, out, why, now);
            }
            (Patience::Refused, Session::Client(_)) => {
                self.refusals += 1;
                if self.refusals >= REFUSALS_MAX {
                    self.give_up(out, why);
                } else {
                    self.retry_after(self.settings.refused_retry, out, why, now);
                }
            }
        }
    }

    /// There is no stream any more.
    pub(super) fn forget_stream(&mut self, now: Instant) {
        if let Link::Online { since, .. } = self.link
            && now.saturating_duration_since(since) >= STABLE
        {
            self.losses = 0;
        }
        self.link = Link::Down { retry_at: now };
    }

    fn retry_after(&mut self, delay: Duration, out: &mut Out, why: String, now: Instant) {
        self.losses = self.losses.saturating_add(1);
        let retry_at = now + delay;
        self.link = Link::Down { retry_at };
        out.state(self.id, Standing::Retrying { why, delay });
    }

    /// Doubles with each loss, up to the longest; up to half of it is left out at random.
    fn back_off(&self, ids: &mut Source) -> Duration {
        let (least, most) = (self.settings.retry_min, self.settings.retry_max);
        let whole = least.saturating_mul(1 << self.losses.min(20)).min(most);
        let half = u64::try_from(whole.as_millis() / 2).unwrap_or(u64::MAX);
        whole - Duration::from_millis(ids.below(half.saturating_add(1)))
    }

    fn give_up(&mut self, out: &mut Out, why: String) {
        self.link = Link::GivenUp;
        while let Some(stanza) = self.queue.pop() {
            self.give_back(stanza, out);
        }
        out.state(self.id, Standing::GivenUp { why });
    }

    /// Ends the stream for good: the process is to end. Servers do not tell users that the
    /// addresses of a component are gone; it does.
    pub(in crate::xmpp) fn leave(&mut self, out: &mut Out, now: Instant) {
        if self.is_online() {
            let gone: Vec<_> = self.delivery.departures().collect();
            for presence in gone {
                self.answer(presence, out, now);
            }
        }
        if let Some(stream) = self.stream() {
            if self.is_online() {
                out.bytes(stream, "</stream:stream>");
            }
            out.close(stream);
        }
        self.link = Link::GivenUp;
    }

    // --- time ---

    pub(in crate::xmpp) fn handle_timeout(
        &mut self,
        out: &mut Out,
        ids: &mut Source,
        now: Instant,
    ) {
        while let Some(stanza) = self.queue.expired(now) {
            self.give_back(stanza, out);
        }
        while let Some((id, waiter)) = self.requests.expired(now) {
            self.queue.withdraw(&id);
            out.answered(self.id, waiter, Outcome::None);
        }
        if self.next().is_none_or(|(at, _)| at > now) {
            return;
        }
        match self.next() {
            Some((_, Timer::Retry)) => self.begin(out, ids, now),
            Some((_, Timer::Login)) => self.lose(Failure::Late, None, out, ids, now),
            Some((_, Timer::Silence)) => self.lose(Failure::Silent, None, out, ids, now),
            Some((_, Timer::Ping)) => self.ping(out, ids, now),
            Some((_, Timer::KeepAlive)) => self.say(" ", out, now),
            // These are done with above.
            Some((_, Timer::Request | Timer::Queue)) | None => {}
        }
    }

    /// The next thing that the link waits for.
    fn next(&self) -> Option<(Instant, Timer)> {
        match &self.link {
            Link::Down { retry_at } => Some((*retry_at, Timer::Retry)),
            Link::GivenUp | Link::Locating { .. } => None,
            Link::Connecting { until, .. } | Link::LoggingIn { until, .. } => {
                Some((*until, Timer::Login))
            }
            Link::Online {
                heard_at,
                said_at,
                silent_at,
                ..
            } => {
                let keep_alive = (*said_at + self.settings.keep_alive, Timer::KeepAlive);
                let heard = match silent_at {
                    Some(at) => (*at, Timer::Silence),
                    None => (*heard_at + self.settings.ping_after, Timer::Ping),
                };
                Some(heard.min(keep_alive))
            }
        }
    }

    pub(in crate::xmpp) fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        let requests = self.requests.poll_timeout().map(|at| (at, Timer::Request));
        let queue = self.queue.poll_timeout().map(|at| (at, Timer::Queue));
        [self.next(), requests, queue].into_iter().flatten().min()
    }

    /// Pairs of users and addresses that found no room.
    pub(in crate::xmpp) fn subscribers_refused(&self) -> u64 {
        self.delivery.subscribers_refused()
    }
}
