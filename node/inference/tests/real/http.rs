//! A server of HTTP/1.1 that does as a test wants it.

use std::{
	io::{BufRead, BufReader, Read, Write},
	net::{SocketAddr, TcpListener, TcpStream},
	sync::Arc,
};

/// What was asked.
pub(crate) struct Asked {
	pub(crate) path: String,
	headers: Vec<(String, String)>,
	pub(crate) body: Vec<u8>,
}

impl Asked {
	pub(crate) fn header(&self, name: &str) -> Option<&str> {
		self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
	}
}

/// Answers each request by writing to its connection, which is closed then.
pub(crate) fn serve(answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> SocketAddr {
	let listener = TcpListener::bind("127.0.0.1:0").unwrap();
	let address = listener.local_addr().unwrap();
	let answer = Arc::new(answer);
	std::thread::spawn(move || {
		for stream in listener.incoming() {
			let (mut stream, answer) = (stream.unwrap(), answer.clone());
			std::thread::spawn(move || {
				if let Some(asked) = read(&stream) {
					answer(&asked, &mut stream);
				}
			});
		}
	});
	address
}

fn read(stream: &TcpStream) -> Option<Asked> {
	let mut reader = BufReader::new(stream);
	let mut line = String::new();
	reader.read_line(&mut line).ok()?;
	let path = line.split(' ').nth(1)?.to_owned();
	let mut headers = Vec::new();
	loop {
		let mut line = String::new();
		reader.read_line(&mut line).ok()?;
		let Some((name, value)) = line.trim().split_once(':') else { break };
		headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
	}
	let mut asked = Asked { path, headers, body: Vec::new() };
	let length = asked.header("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
	asked.body = vec![0; length];
	reader.read_exact(&mut asked.body).ok()?;
	Some(asked)
}

/// Writes an answer; whoever asked may be gone.
pub(crate) fn answer(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
	let length = body.len();
	let head = format!(
		"HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n"
	);
	let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}
