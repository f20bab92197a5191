//! A fault of ours outside of every call: the end of what struck it, and of nothing else.

use std::time::Instant;

use super::Gateway;
use crate::contain::contained;

/// Faults one after the other, nothing going well between, after which the process gives up: a
/// supervisor that starts it again does more for the calls to come.
const FAULTS_MAX: u32 = 100;

impl Gateway {
    /// Does something and carries on what comes of it. A panic is the end of this one thing; what
    /// a call was the matter of has been taken out closer to where it struck.
    pub(super) fn work(&mut self, now: Instant, work: impl FnOnce(&mut Self)) {
        let worked = contained(|| {
            work(self);
            self.settle(now);
        });
        if worked.is_ok() {
            self.faults = 0;
            return;
        }
        self.metrics.fault();
        self.faults += 1;
        tracing::error!("a fault of the gateway: what it was doing is given up");
        assert!(
            self.faults < FAULTS_MAX,
            "{FAULTS_MAX} faults in a row: the process is better started anew"
        );
        // What else the same input has led to is not to wait for the next one.
        let settled = contained(|| self.settle(now));
        if settled.is_err() {
            self.metrics.fault();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Config;
    use crate::contain::trap;
    use crate::gateway::Input;
    use crate::ws::ConnectionId;

    fn gateway(now: Instant) -> Gateway {
        Gateway::new(Config::default(), &[], [1; 32], now, Duration::ZERO)
    }

    fn open(gateway: &mut Gateway, now: Instant) {
        let (connection, peer) = (ConnectionId(1), "127.0.0.1".to_owned());
        gateway.handle(Input::WsOpened { connection, peer }, now);
        let text = "{}".to_owned();
        gateway.handle(Input::WsText { connection, text }, now);
    }

    #[test]
    fn a_fault_outside_of_every_call_is_the_end_of_one_input() {
        let now = Instant::now();
        let mut gateway = gateway(now);
        trap::set(1);
        open(&mut gateway, now);
        assert!(gateway.poll_output().is_none(), "nothing came of it");
        open(&mut gateway, now);
        assert!(gateway.poll_output().is_some(), "the next one is answered");
        let page = gateway.metrics();
        assert!(page.contains("crosspoint_faults_total 1\n"), "{page}");
    }

    #[test]
    fn faults_between_which_things_go_well_never_end_the_process() {
        let now = Instant::now();
        let mut gateway = gateway(now);
        for _ in 0..2 * FAULTS_MAX {
            trap::set(1);
            gateway.handle_timeout(now);
            gateway.handle_timeout(now);
        }
        let page = gateway.metrics();
        assert!(page.contains("crosspoint_faults_total 200\n"), "{page}");
    }

    #[test]
    #[should_panic(expected = "100 faults in a row")]
    fn faults_without_end_end_the_process() {
        let now = Instant::now();
        let mut gateway = gateway(now);
        for _ in 0..FAULTS_MAX {
            trap::set(1);
            gateway.handle_timeout(now);
        }
    }
}
