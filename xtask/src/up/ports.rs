//! Which addresses a receiver gets: the port people know, or a free one when somebody has it.
//!
//! Both loopback addresses get the same port, because `localhost` may mean either.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

/// Where OTLP over HTTP is expected.
pub(super) const OTLP_HTTP: u16 = 4318;

/// Free ports may be free on one of the addresses only; a few more tries find one on both.
const TRIES: usize = 16;

/// Addresses with `wished` as port when nobody listens there, else with a free port.
pub(super) fn choose(wished: u16) -> io::Result<Vec<SocketAddr>> {
    match both_loopbacks(wished) {
        Err(taken) if is_taken(&taken) => free(),
        done => done,
    }
}

/// Addresses with a port that nobody has.
pub(super) fn free() -> io::Result<Vec<SocketAddr>> {
    let mut tried = both_loopbacks(0);
    for _ in 1..TRIES {
        match tried {
            Err(taken) if is_taken(&taken) => tried = both_loopbacks(0),
            done => return done,
        }
    }
    tried
}

/// Binds both addresses to prove that nobody else has them; they are free again on return.
fn both_loopbacks(port: u16) -> io::Result<Vec<SocketAddr>> {
    let four = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let first = four.local_addr()?;
    match TcpListener::bind((Ipv6Addr::LOCALHOST, first.port())) {
        Ok(six) => Ok(vec![first, six.local_addr()?]),
        Err(error) if is_taken(&error) => Err(error),
        // A machine without IPv6.
        Err(_) => Ok(vec![first]),
    }
}

fn is_taken(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_is_taken_as_wished() {
        let wished = free().unwrap()[0].port();
        let addresses = choose(wished).unwrap();
        assert!(addresses.iter().all(|address| address.port() == wished), "{addresses:?}");
    }

    #[test]
    fn a_stranger_on_either_address_sends_us_to_another_port() {
        let loopbacks = [
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok(),
            TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).ok(),
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).ok(),
        ];
        for stranger in loopbacks.into_iter().flatten() {
            let wished = stranger.local_addr().unwrap().port();
            let addresses = choose(wished).unwrap();
            let elsewhere = addresses.iter().all(|address| address.port() != wished);
            assert!(elsewhere, "{stranger:?} was overlooked: {addresses:?}");
        }
    }
}
