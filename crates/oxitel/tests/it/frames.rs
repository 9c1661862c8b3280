//! A server of bare HTTP/2 frames, for what no library sends: it does as its script says.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What is said to a request of this stream.
pub(crate) enum Act {
    /// To a whole one.
    Say(fn(u32) -> Vec<u8>),
    /// To a whole one, and the connection is closed.
    SayAndClose(fn(u32) -> Vec<u8>),
    /// To its first piece; the rest of it is never read.
    SayEarly(fn(u32) -> Vec<u8>),
}

/// What a server saw.
#[derive(Default)]
pub(crate) struct Seen {
    /// Connections that were made, and how many of them the client has closed.
    pub(crate) connections: usize,
    pub(crate) closed: usize,
    /// The bodies of all requests.
    pub(crate) bodies: Vec<Vec<u8>>,
}

pub(crate) struct FrameServer {
    pub(crate) url: String,
    seen: Arc<Mutex<Seen>>,
}

type Script = Arc<Mutex<VecDeque<Act>>>;

impl FrameServer {
    /// Gives an act of the script to each request, and `accept` to all that come later. `settings`
    /// are what the server begins a connection with.
    pub(crate) fn start(
        settings: &'static [(u16, u32)],
        script: impl IntoIterator<Item = Act>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let script: Script = Arc::new(Mutex::new(script.into_iter().collect()));
        let server = Self { url, seen: Arc::clone(&seen) };
        // Serves until the process ends; the listener has no other way to be told.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
                let stream = stream.expect("a connection");
                locked(&seen).connections += 1;
                std::thread::spawn(move || {
                    // A client that breaks off is part of the tests.
                    let _broken_off = converse(stream, settings, &seen, &script);
                    locked(&seen).closed += 1;
                });
            }
        });
        server
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        locked(&self.seen)
    }

    /// Waits until the server has seen it.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, done: impl Fn(&Seen) -> bool) {
        let give_up = Instant::now() + Duration::from_secs(10);
        while !done(&self.seen()) {
            assert!(Instant::now() < give_up, "waited in vain: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
/// On DATA and HEADERS; on SETTINGS and PING the same bit says that it is an answer.
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn converse(
    mut stream: TcpStream,
    settings: &[(u16, u32)],
    seen: &Mutex<Seen>,
    script: &Mutex<VecDeque<Act>>,
) -> io::Result<()> {
    let mut preface = [0; PREFACE.len()];
    stream.read_exact(&mut preface)?;
    assert_eq!(preface, PREFACE);
    let pairs = settings.iter().flat_map(|(id, value)| {
        id.to_be_bytes().into_iter().chain(value.to_be_bytes()).collect::<Vec<u8>>()
    });
    stream.write_all(&frame(SETTINGS, 0, 0, &pairs.collect::<Vec<_>>()))?;
    let mut body = Vec::new();
    let mut unread = 0;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let [high, middle, low, kind, flags, id @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
        stream.read_exact(&mut payload)?;
        let id = u32::from_be_bytes(id);
        match kind {
            SETTINGS if flags & END_STREAM == 0 => {
                stream.write_all(&frame(SETTINGS, END_STREAM, 0, &[]))?;
            }
            PING if flags & END_STREAM == 0 => {
                stream.write_all(&frame(PING, END_STREAM, 0, &payload))?;
            }
            DATA if id == unread => {}
            DATA => {
                body.extend_from_slice(&payload);
                let early = matches!(locked(script).front(), Some(Act::SayEarly(_)));
                if flags & END_STREAM == 0 && !early {
                    let more = (payload.len().max(1) as u32).to_be_bytes();
                    let windows = [0, id].map(|id| frame(WINDOW_UPDATE, 0, id, &more));
                    stream.write_all(&windows.concat())?;
                    continue;
                }
                locked(seen).bodies.push(std::mem::take(&mut body));
                let act = locked(script).pop_front();
                match act.unwrap_or(Act::Say(accept)) {
                    Act::Say(say) => stream.write_all(&say(id))?,
                    Act::SayAndClose(say) => {
                        stream.write_all(&say(id))?;
                        stream.shutdown(Shutdown::Write)?;
                    }
                    Act::SayEarly(say) => {
                        unread = id;
                        stream.write_all(&say(id))?;
                    }
                }
            }
            _ => {}
        }
    }
}

/// Status 0 behind an empty message.
pub(crate) fn accept(id: u32) -> Vec<u8> {
    [
        headers(id, &[(":status", "200"), ("content-type", "application/grpc")], false),
        data(id, &[0; 5], false),
        headers(id, &[("grpc-status", "0")], true),
    ]
    .concat()
}

/// A head or trailers, none of it compressed.
pub(crate) fn headers(id: u32, fields: &[(&str, &str)], last: bool) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block
                .push(u8::try_from(text.len()).ok().filter(|length| *length < 127).expect("short"));
            block.extend_from_slice(text.as_bytes());
        }
    }
    frame(HEADERS, END_HEADERS | if last { END_STREAM } else { 0 }, id, &block)
}

pub(crate) fn data(id: u32, bytes: &[u8], last: bool) -> Vec<u8> {
    frame(DATA, if last { END_STREAM } else { 0 }, id, bytes)
}

pub(crate) fn reset(id: u32, reason: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, id, &reason.to_be_bytes())
}

/// That no stream after `last` is dealt with.
pub(crate) fn go_away(last: u32, reason: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), reason.to_be_bytes()].concat())
}

pub(crate) fn ping() -> Vec<u8> {
    frame(PING, 0, 0, &[7; 8])
}

fn frame(kind: u8, flags: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &id.to_be_bytes(), payload].concat()
}
