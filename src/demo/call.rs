//! The sockets of one call, and the task that drives its media.
//!
//! ```text
//!   a task per socket ──datagrams──▶ one task per call ──▶ Media ──▶ sockets
//!                                        ▲
//!   the phone: offers, answers, close ───┘ (takes the media, then wakes the task)
//! ```

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::net::UdpSocket;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use super::description;
use super::interface;
use super::media::{Media, MediaError, State, Why};

/// Datagrams that may wait for the call's task; more are lost, as UDP may lose any.
const INBOX_MAX: usize = 128;

/// Bytes of the largest datagram that is read: media fits an Ethernet frame.
const DATAGRAM_MAX: usize = 2048;

/// A call that has media. The media ends when this is dropped.
#[derive(Debug)]
pub struct Call {
    media: Arc<Mutex<Media>>,
    wake: Arc<Notify>,
}

struct Arrived {
    source: SocketAddr,
    destination: SocketAddr,
    bytes: Vec<u8>,
}

impl Call {
    /// Binds sockets where the offer's candidates can be reached from, and answers it.
    /// `session` is the number of the session in `o=`; `ended` is told once why the media ended.
    ///
    /// # Errors
    /// [`MediaError`]: the offer cannot be taken.
    pub async fn answer(
        offer: &str,
        session: u64,
        ended: impl FnOnce(Why) + Send + 'static,
    ) -> Result<(Self, String), MediaError> {
        let remotes = description::read(offer, "0")?.remotes;
        let sockets = bind(&interface::addresses(&remotes)).await;
        let mut media = Media::new(session, &locals(&sockets), Instant::now())?;
        let answer = media.accept_offer(offer, Instant::now())?;
        Ok((Self::start(media, sockets, ended), answer))
    }

    /// As [`Self::answer`], with the phone's own offer.
    ///
    /// # Errors
    /// [`MediaError`]: there is no address.
    pub async fn offer(
        session: u64,
        ended: impl FnOnce(Why) + Send + 'static,
    ) -> Result<(Self, String), MediaError> {
        let sockets = bind(&interface::addresses(&[])).await;
        let mut media = Media::new(session, &locals(&sockets), Instant::now())?;
        let offer = media.offer(Instant::now())?;
        Ok((Self::start(media, sockets, ended), offer))
    }

    /// Takes a later offer.
    ///
    /// # Errors
    /// [`MediaError`]: the call goes on as it was.
    pub fn accept_offer(&self, offer: &str) -> Result<String, MediaError> {
        self.with(|media| media.accept_offer(offer, Instant::now()))
    }

    /// Makes a later offer.
    ///
    /// # Errors
    /// [`MediaError`]: the call goes on as it was.
    pub fn offer_again(&self) -> Result<String, MediaError> {
        self.with(|media| media.offer(Instant::now()))
    }

    /// Takes the answer to the phone's offer.
    ///
    /// # Errors
    /// [`MediaError`]: the call is to be ended.
    pub fn accept_answer(&self, answer: &str) -> Result<(), MediaError> {
        self.with(|media| media.accept_answer(answer, Instant::now()))
    }

    fn start(
        media: Media,
        sockets: Vec<Arc<UdpSocket>>,
        ended: impl FnOnce(Why) + Send + 'static,
    ) -> Self {
        let (media, wake) = (Arc::new(Mutex::new(media)), Arc::new(Notify::new()));
        let task = run(Arc::clone(&media), Arc::clone(&wake), sockets);
        tokio::spawn(async move { ended(task.await) });
        Self { media, wake }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Media) -> T) -> T {
        let result = act(&mut lock(&self.media));
        self.wake.notify_one();
        result
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.with(|media| media.close(Instant::now()));
    }
}

/// A panic while the media was held has ended that call; its state is still good to close.
fn lock(media: &Mutex<Media>) -> MutexGuard<'_, Media> {
    media.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn bind(addresses: &[std::net::IpAddr]) -> Vec<Arc<UdpSocket>> {
    let mut sockets = Vec::new();
    for address in addresses {
        match UdpSocket::bind(SocketAddr::new(*address, 0)).await {
            Ok(socket) => sockets.push(Arc::new(socket)),
            // A family that this machine does not have, most likely: the others serve.
            Err(error) => tracing::debug!(%address, %error, "no media at this address"),
        }
    }
    sockets
}

fn locals(sockets: &[Arc<UdpSocket>]) -> Vec<SocketAddr> {
    sockets
        .iter()
        .filter_map(|socket| socket.local_addr().ok())
        .collect()
}

async fn run(media: Arc<Mutex<Media>>, wake: Arc<Notify>, sockets: Vec<Arc<UdpSocket>>) -> Why {
    let (inbox, mut arrivals) = mpsc::channel(INBOX_MAX);
    let mut readers = JoinSet::new();
    for socket in &sockets {
        readers.spawn(read(Arc::clone(socket), inbox.clone()));
    }
    loop {
        let (leaving, due, ended) = {
            let mut media = lock(&media);
            let leaving: Vec<_> = std::iter::from_fn(|| media.poll_transmit()).collect();
            let ended = match media.state() {
                State::Ended(why) => Some(why.clone()),
                State::Starting(_) | State::Flowing(_) => None,
            };
            (leaving, media.poll_timeout(), ended)
        };
        for datagram in leaving {
            let from = |socket: &&Arc<UdpSocket>| {
                socket
                    .local_addr()
                    .is_ok_and(|local| local == datagram.source)
            };
            if let Some(socket) = sockets.iter().find(from) {
                // An address that cannot be reached from here fails its ICE check; nothing more.
                let _ = socket.try_send_to(&datagram.bytes, datagram.destination);
            }
        }
        if let Some(why) = ended {
            return why;
        }
        let due = due.unwrap_or_else(Instant::now);
        tokio::select! {
            () = wake.notified() => {}
            () = tokio::time::sleep_until(due.into()) => {
                lock(&media).handle_timeout(Instant::now());
            }
            Some(Arrived { source, destination, bytes }) = arrivals.recv() => {
                lock(&media).receive(source, destination, &bytes, Instant::now());
            }
        }
    }
}

async fn read(socket: Arc<UdpSocket>, inbox: mpsc::Sender<Arrived>) {
    let Ok(destination) = socket.local_addr() else {
        return;
    };
    let mut buffer = vec![0; DATAGRAM_MAX];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, source)) => {
                let bytes = buffer[..length].to_vec();
                if inbox
                    .try_send(Arrived {
                        source,
                        destination,
                        bytes,
                    })
                    .is_err()
                {
                    tracing::debug!("the echo phone is behind: a datagram is lost");
                }
            }
            // ICMP from an address that was checked and is not there.
            Err(error) => tracing::trace!(%error, "a media socket reports an error"),
        }
    }
}
