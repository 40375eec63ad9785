//! Connections: how many, how slow, and how they end.

use crate::{
	config::Limits,
	metrics::Metrics,
	places::{owner, Caller, Places as Requests},
	writing::Writing,
};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use std::{
	collections::HashMap,
	future::Future,
	io,
	net::{IpAddr, SocketAddr},
	pin::Pin,
	sync::Arc,
	task::{Context, Poll},
	time::Duration,
};
use tokio::{
	io::{AsyncRead, AsyncWrite, ReadBuf},
	net::{TcpListener, TcpSocket, TcpStream},
	sync::{mpsc, watch},
	time::{sleep, timeout, Instant, Sleep},
};
use tokio_rustls::TlsAcceptor;

/// How long nothing is accepted when the system has no more files.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// A connection, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Tells connections to come to an end; dropping all of its copies tells that they did.
#[derive(Clone)]
pub(crate) struct Life {
	pub(crate) stop: watch::Receiver<bool>,
	_alive: mpsc::Sender<()>,
}

impl Life {
	pub(crate) fn new(stop: watch::Receiver<bool>, alive: mpsc::Sender<()>) -> Self {
		Self { stop, _alive: alive }
	}

	/// Resolves when connections have to end.
	pub(crate) async fn over(&mut self) {
		// An error means that the gateway was dropped.
		let _ = self.stop.wait_for(|stop| *stop).await;
	}
}

/// What serves a connection to its end.
pub(crate) type Serve =
	Arc<dyn Fn(Box<dyn Stream>, Peer, Life) -> BoxFuture<'static, ()> + Send + Sync>;

/// The other side of a connection.
pub(crate) struct Peer {
	pub(crate) caller: Arc<Caller>,
	/// The answers that it has not taken yet.
	pub(crate) writing: Arc<Writing>,
}

/// Binds a port.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
	let socket = match address {
		SocketAddr::V4(_) => TcpSocket::new_v4()?,
		SocketAddr::V6(_) => TcpSocket::new_v6()?,
	};
	socket.set_reuseaddr(true)?;
	socket.bind(address)?;
	socket.listen(BACKLOG)
}

/// The connections to a port.
struct Places {
	by_address: Mutex<HashMap<IpAddr, usize>>,
	metrics: Metrics,
}

/// One of them.
struct Place {
	of: Arc<Places>,
	address: IpAddr,
}

impl Places {
	fn take(self: &Arc<Self>, address: IpAddr, limits: &Limits) -> Result<Place, &'static str> {
		let mut by_address = self.by_address.lock();
		let all: usize = by_address.values().sum();
		let of_address = by_address.entry(address).or_default();
		if *of_address >= limits.connections_per_address {
			return Err("address");
		}
		if all >= limits.connections {
			if *of_address == 0 {
				by_address.remove(&address);
			}
			return Err("all");
		}
		*of_address += 1;
		self.metrics.connections(all + 1);
		Ok(Place { of: self.clone(), address })
	}
}

impl Drop for Place {
	fn drop(&mut self) {
		let mut by_address = self.of.by_address.lock();
		if let Some(count) = by_address.get_mut(&self.address) {
			*count -= 1;
			if *count == 0 {
				by_address.remove(&self.address);
			}
		}
		self.of.metrics.connections(by_address.values().sum());
	}
}

/// Accepts connections until life is over.
pub(crate) async fn accept(
	listener: TcpListener,
	tls: Option<TlsAcceptor>,
	limits: Arc<Limits>,
	requests: Arc<Requests>,
	metrics: Metrics,
	mut life: Life,
	serve: Serve,
) {
	let places = Arc::new(Places { by_address: Mutex::default(), metrics: metrics.clone() });
	loop {
		let accepted = tokio::select! {
			accepted = listener.accept() => accepted,
			() = life.over() => break,
		};
		let (stream, address) = match accepted {
			Ok(accepted) => accepted,
			Err(error) => {
				log::warn!(target: "gateway", "no connection can be accepted: {error}");
				sleep(EXHAUSTED).await;
				continue;
			},
		};
		let place = match places.take(owner(address.ip()), &limits) {
			Ok(place) => place,
			Err(reason) => {
				metrics.refused(reason);
				log::debug!(target: "gateway", "a connection of {address} is one too many ({reason})");
				continue;
			},
		};
		let (tls, limits) = (tls.clone(), limits.clone());
		let peer =
			Peer { caller: requests.caller(address.ip()), writing: Writing::new(limits.clone()) };
		let (metrics, life, serve) = (metrics.clone(), life.clone(), serve.clone());
		tokio::spawn(async move {
			let _place = place;
			match secure(stream, tls, &limits).await {
				Ok(stream) => serve(stream, peer, life).await,
				Err(error) => {
					metrics.refused("tls");
					log::debug!(target: "gateway", "{address}: {error}");
				},
			}
		});
	}
	// Before the last copy of life: who waits for its end finds the port closed.
	drop(listener);
	drop(life);
}

async fn secure(
	stream: TcpStream,
	tls: Option<TlsAcceptor>,
	limits: &Limits,
) -> io::Result<Box<dyn Stream>> {
	stream.set_nodelay(true)?;
	let stream = Guarded::new(stream, limits.write_timeout);
	match tls {
		None => Ok(Box::new(stream)),
		Some(tls) => Ok(Box::new(timeout(limits.header_timeout, tls.accept(stream)).await??)),
	}
}

/// A connection that is given up when its client takes nothing for too long.
struct Guarded {
	stream: TcpStream,
	patience: Duration,
	timer: Option<Pin<Box<Sleep>>>,
	waiting: bool,
}

impl Guarded {
	fn new(stream: TcpStream, patience: Duration) -> Self {
		Self { stream, patience, timer: None, waiting: false }
	}

	fn guard<T>(
		&mut self,
		cx: &mut Context<'_>,
		written: Poll<io::Result<T>>,
	) -> Poll<io::Result<T>> {
		if written.is_ready() {
			self.waiting = false;
			return written;
		}
		let until = Instant::now() + self.patience;
		let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
		if !self.waiting {
			self.waiting = true;
			timer.as_mut().reset(until);
		}
		match timer.as_mut().poll(cx) {
			Poll::Pending => Poll::Pending,
			Poll::Ready(()) => Poll::Ready(Err(io::Error::new(
				io::ErrorKind::TimedOut,
				"the client takes nothing of the answer",
			))),
		}
	}
}

impl AsyncRead for Guarded {
	fn poll_read(
		mut self: Pin<&mut Self>,
		cx: &mut Context<'_>,
		buffer: &mut ReadBuf<'_>,
	) -> Poll<io::Result<()>> {
		Pin::new(&mut self.stream).poll_read(cx, buffer)
	}
}

impl AsyncWrite for Guarded {
	fn poll_write(
		mut self: Pin<&mut Self>,
		cx: &mut Context<'_>,
		bytes: &[u8],
	) -> Poll<io::Result<usize>> {
		let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
		self.guard(cx, written)
	}

	fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
		Pin::new(&mut self.stream).poll_flush(cx)
	}

	fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
		Pin::new(&mut self.stream).poll_shutdown(cx)
	}

	fn poll_write_vectored(
		mut self: Pin<&mut Self>,
		cx: &mut Context<'_>,
		bytes: &[io::IoSlice<'_>],
	) -> Poll<io::Result<usize>> {
		let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
		self.guard(cx, written)
	}

	fn is_write_vectored(&self) -> bool {
		self.stream.is_write_vectored()
	}
}
