//! A server of bare TCP, for what no library does with a connection.

use crate::session::read_request;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Gives each connection to `serve`, with its number from 0. Returns the URL and how many
/// connections there were.
pub(crate) fn raw_server(
    serve: impl Fn(usize, TcpStream) + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    let serve = Arc::new(serve);
    // Serves until the process ends; the listener has no other way to be told.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let number = counter.fetch_add(1, Ordering::SeqCst);
            let serve = Arc::clone(&serve);
            let stream = stream.expect("a connection");
            thread::spawn(move || serve(number, stream));
        }
    });
    (url, connections)
}

/// Reads a request whole; `false` when the client broke off.
pub(crate) fn read_whole(stream: &mut TcpStream) -> bool {
    read_request(stream).is_ok()
}
