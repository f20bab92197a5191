//! What carries over from one description of a peer to its next: candidates of the same ICE
//! generation (RFC 8839 §4.4.1.1.1), and on the way to a browser mids and groups.

use super::{Candidate, SessionDescription, Trickle, TrickleError};

impl SessionDescription {
    /// Adds a trickled candidate, or the end of them, where it belongs. `false` where it was there
    /// already.
    ///
    /// # Errors
    /// [`TrickleError`] where it belongs to no section, or to another generation of it.
    pub fn trickle(&mut self, trickle: &Trickle) -> Result<bool, TrickleError> {
        if trickle.is_end_of_all() {
            let mut is_new = false;
            for media in 0..self.media_count() {
                is_new |= self.set_end_of_candidates(media);
            }
            return Ok(is_new);
        }
        let media = self.resolve(trickle)?;
        if !self.is_current(media, trickle) {
            return Err(TrickleError::Nowhere);
        }
        Ok(match &trickle.candidate {
            Some(candidate) => self.add_candidate(media, candidate),
            None => self.set_end_of_candidates(media),
        })
    }

    /// Takes over the candidates of the peer's description before, in every section whose ICE
    /// credentials are the same, and the end of them.
    pub fn inherit_candidates(&mut self, before: &Self) {
        for media in 0..self.media_count().min(before.media_count()) {
            let same = |one: &Self| {
                let section = one.media_at(media)?;
                let ufrag = section.ice_ufrag()?.to_owned();
                Some((ufrag, section.ice_pwd()?.to_owned()))
            };
            if same(self).is_none() || same(self) != same(before) {
                continue;
            }
            let Some(section) = before.media_at(media) else {
                continue;
            };
            let candidates: Vec<Candidate> = section.candidates().collect();
            for candidate in candidates {
                self.add_candidate(media, &candidate);
            }
            if section.end_of_candidates() {
                self.set_end_of_candidates(media);
            }
        }
    }

    /// Whether no more candidates come: it says so in every section that has its own transport, or
    /// its author does not trickle at all.
    #[must_use]
    pub fn is_gathering_complete(&self) -> bool {
        let trickles = self.media().any(|media| media.has_ice_option("trickle"));
        if !trickles {
            return true;
        }
        let bundled: Vec<&str> = self
            .bundle_groups()
            .iter()
            .flat_map(|group| group.mids.iter().skip(1).copied())
            .collect();
        self.media()
            .filter(|media| !media.is_rejected() && media.ice_ufrag().is_some())
            // Behind the first of its group a section may have no candidates of its own.
            .filter(|media| {
                let follows = media.mid().is_some_and(|mid| bundled.contains(&mid));
                !follows || media.candidates().next().is_some()
            })
            .all(|media| media.end_of_candidates())
    }

    /// On the way to a browser: sections keep the mids, and what was bundled stays bundled, as the
    /// browser was told before. Peers that know neither leave them out.
    pub fn keep_identity_of(&mut self, before: &Self) {
        if self.media().any(|media| media.mid().is_some()) {
            return;
        }
        let mids: Vec<Option<String>> = before
            .media()
            .map(|media| media.mid().map(str::to_owned))
            .collect();
        if mids.iter().all(Option::is_none) {
            return;
        }
        self.add_mids_like(&mids);
        let live: Vec<String> = before
            .bundle_groups()
            .iter()
            .flat_map(|group| group.mids.iter().map(|mid| (*mid).to_owned()))
            .collect();
        if !live.is_empty() {
            let live: Vec<&str> = live.iter().map(String::as_str).collect();
            self.set_bundle_group(&live);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::sdp::corpus::capture;
    use crate::sdp::{SessionDescription, Trickle};

    const HOST: &str = "candidate:1 1 udp 2122260223 192.0.2.1 5000 typ host";

    fn trickling() -> SessionDescription {
        capture("chrome-audio-offer-trickle")
    }

    #[test]
    fn gathering_is_complete_when_the_end_is_said() {
        let mut offer = trickling();
        assert!(!offer.is_gathering_complete());
        offer
            .trickle(&Trickle::new(Some(HOST), Some("0"), None, None).unwrap())
            .unwrap();
        assert!(!offer.is_gathering_complete());
        offer
            .trickle(&Trickle::new(None, None, None, None).unwrap())
            .unwrap();
        assert!(offer.is_gathering_complete());
    }

    #[test]
    fn what_is_there_already_is_not_new() {
        let mut offer = trickling();
        let host = Trickle::new(Some(HOST), Some("0"), None, None).unwrap();
        for end in [host, Trickle::new(None, None, None, None).unwrap()] {
            assert_eq!(offer.trickle(&end), Ok(true));
            assert_eq!(offer.trickle(&end), Ok(false));
        }
    }

    #[test]
    fn candidate_of_another_generation_is_refused() {
        let stale = Trickle::new(Some(HOST), Some("0"), None, Some("zzzz")).unwrap();
        assert!(trickling().trickle(&stale).is_err());
    }

    #[test]
    fn same_credentials_inherit_the_candidates() {
        let mut before = trickling();
        before
            .trickle(&Trickle::new(Some(HOST), Some("0"), None, None).unwrap())
            .unwrap();
        let mut next = trickling();
        next.inherit_candidates(&before);
        assert_eq!(
            next.media_at(0).map(|media| media.candidates().count()),
            Some(1)
        );
        let mut restarted = capture("chrome-p-audio-icerestart-offer");
        let count = restarted
            .media_at(0)
            .map(|media| media.candidates().count());
        restarted.inherit_candidates(&before);
        assert_eq!(
            restarted
                .media_at(0)
                .map(|media| media.candidates().count()),
            count
        );
    }
}
