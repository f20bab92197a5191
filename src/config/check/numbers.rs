//! Limits and durations: that each can work, and that those which go together do.

use std::time::Duration;

use super::Check;
use crate::config::Config;

impl Check<'_> {
    pub(super) fn numbers(&mut self, config: &Config) {
        self.sizes(config);
        self.durations(config);
        self.orders(config);
    }

    fn sizes(&mut self, config: &Config) {
        let (sip, call, client, trace) = (&config.sip, &config.call, &config.client, &config.trace);
        let text = &config.text;
        for (key, value, least, most) in [
            ("sip.udp_max_bytes", sip.udp_max_bytes, 500, 65_507),
            ("sip.transactions_max", sip.transactions_max, 1, usize::MAX),
            ("sip.dialogs_max", sip.dialogs_max, 1, usize::MAX),
            ("sip.streams_max", sip.streams_max, 1, usize::MAX),
            (
                "sip.streams_per_address",
                sip.streams_per_address,
                1,
                usize::MAX,
            ),
            (
                "server.connections_per_address",
                config.server.connections_per_address,
                1,
                usize::MAX,
            ),
            (
                "server.descriptors_reserved",
                config.server.descriptors_reserved,
                0,
                1 << 20,
            ),
            (
                "sip.message_bytes_max",
                sip.message_bytes_max,
                2048,
                1 << 24,
            ),
            ("sip.headers_max", sip.headers_max, 20, 10_000),
            ("sip.header_bytes_max", sip.header_bytes_max, 256, 1 << 20),
            (
                "sip.registrations_at_once",
                sip.registrations_at_once,
                1,
                usize::MAX,
            ),
            ("call.calls_max", call.calls_max, 1, usize::MAX),
            ("call.calls_per_user", call.calls_per_user, 1, usize::MAX),
            ("call.targets_max", call.targets_max, 1, 1000),
            ("call.candidates_max", call.candidates_max, 1, 10_000),
            ("call.media_max", call.media_max, 1, 1000),
            (
                "call.description_bytes_max",
                call.description_bytes_max,
                4096,
                1 << 24,
            ),
            (
                "client.frame_bytes_max",
                client.frame_bytes_max,
                4096,
                1 << 24,
            ),
            ("text.bytes_max", text.bytes_max, 160, 49_152),
            ("text.waiting_max", text.waiting_max, 1, usize::MAX),
            (
                "text.waiting_per_sender",
                text.waiting_per_sender,
                1,
                usize::MAX,
            ),
            ("client.depth_max", client.depth_max, 4, 128),
            (
                "client.frames_per_second",
                client.frames_per_second as usize,
                1,
                usize::MAX,
            ),
            (
                "client.frames_burst",
                client.frames_burst as usize,
                1,
                usize::MAX,
            ),
            ("client.sessions_max", client.sessions_max, 1, usize::MAX),
            (
                "client.sessions_per_user",
                client.sessions_per_user,
                1,
                usize::MAX,
            ),
            ("client.guests_max", client.guests_max, 1, usize::MAX),
            (
                "client.replay_events_max",
                client.replay_events_max,
                1,
                usize::MAX,
            ),
            (
                "client.replay_bytes_max",
                client.replay_bytes_max,
                4096,
                usize::MAX,
            ),
            (
                "client.write_queue_max",
                client.write_queue_max,
                1,
                usize::MAX,
            ),
            (
                "trace.call_bytes_max",
                trace.call_bytes_max,
                1024,
                usize::MAX,
            ),
        ] {
            if value < least {
                self.wrong(key, format!("is to be at least {least}"));
            } else if value > most {
                self.wrong(key, format!("is to be at most {most}"));
            }
        }
    }

    fn durations(&mut self, config: &Config) {
        let (sip, call, client) = (&config.sip, &config.call, &config.client);
        let mut all = vec![
            ("sip.t1", sip.t1),
            ("sip.t2", sip.t2),
            ("sip.t4", sip.t4),
            ("sip.keep_alive", sip.keep_alive),
            ("sip.connect_timeout", sip.connect_timeout),
            ("sip.stream_idle", sip.stream_idle),
            ("auth.hello_timeout", config.auth.hello_timeout),
            ("call.no_answer", call.no_answer),
            ("call.offer_unanswered", call.offer_unanswered),
            ("call.gather_max", call.gather_max),
            ("call.join_wait", call.join_wait),
            ("text.news_wait", config.text.news_wait),
            ("client.heartbeat", client.heartbeat),
            ("client.write_deadline", client.write_deadline),
            ("shedding.delay_max", config.shedding.delay_max),
            ("shedding.retry_after", config.shedding.retry_after),
        ];
        all.extend(
            config
                .auth
                .http
                .as_ref()
                .map(|http| ("auth.http.timeout", http.timeout)),
        );
        for (key, value) in all {
            if value.is_zero() {
                self.wrong(key, "is to be longer than nothing");
            }
        }
        let month = Duration::from_secs(31 * 24 * 3600);
        for (key, value) in [
            ("call.no_answer", call.no_answer),
            ("call.join_wait", call.join_wait),
            ("call.ringing_grace", call.ringing_grace),
            ("text.news_wait", config.text.news_wait),
            ("call.answered_grace", call.answered_grace),
            ("call.drain", call.drain),
            ("client.heartbeat_deadline", client.heartbeat_deadline),
        ] {
            if value > month {
                self.wrong(key, "is longer than a month: is that meant?");
            }
        }
    }

    fn orders(&mut self, config: &Config) {
        let (sip, call, client, trace) = (&config.sip, &config.call, &config.client, &config.trace);
        if sip.t2 < sip.t1 {
            // RFC 3261 §17.1.2.2: intervals double from T1 until they reach T2.
            self.wrong("sip.t2", "is to be at least `sip.t1`");
        }
        if call.gather_max < call.gather_good {
            self.wrong("call.gather_max", "is to be at least `call.gather_good`");
        }
        if client.heartbeat >= client.heartbeat_deadline {
            self.wrong(
                "client.heartbeat_deadline",
                "is to be longer than `client.heartbeat`",
            );
        }
        if sip.header_bytes_max > sip.message_bytes_max {
            self.wrong(
                "sip.header_bytes_max",
                "is larger than `sip.message_bytes_max`",
            );
        }
        if trace.memory_calls_max > 0 && trace.memory_bytes_max < trace.call_bytes_max {
            self.wrong(
                "trace.memory_bytes_max",
                "is to hold one call: `trace.call_bytes_max`",
            );
        }
    }
}
