//! A packet filter in a proxy: datagrams come in on the loopback interface, a program decides which
//! go on, and may change them on the way.
//!
//! `cargo run --example proxy`

use std::io;
use std::net::UdpSocket;
use std::time::Duration;

use osmia::embed::{Events, Map, Packet, Program, Sandbox, Worker};
use osmia::zerocopy::{FromBytes, Immutable, IntoBytes};
use osmia::{Error, Object};

const OBJECT: &[u8] = include_bytes!("proxy.bpf.o");
const DATAGRAM_BYTES_MAX: usize = 2048;

/// What the filter tells of a request it refuses, as `proxy.bpf.c` declares it.
#[derive(Debug, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Refusal {
    command: [u8; 4],
    bytes: u32,
}

/// Decides about requests.
struct Filter {
    requests: Program<Packet>,
    forbidden: Map<[u8; 4], u8>,
    refusals: Events,
    worker: Worker,
}

impl Filter {
    fn load() -> Result<Self, Error> {
        let sandbox = Sandbox::new()?;
        let module = sandbox.load(&Object::from_bytes(OBJECT, "proxy.bpf.o")?)?;
        Ok(Self {
            requests: module.program("requests")?,
            forbidden: module.map("forbidden")?,
            refusals: module.events("refusals")?,
            worker: sandbox.worker()?,
        })
    }

    /// Whether a request goes on; it may have been changed.
    fn passes(&mut self, request: &mut Vec<u8>) -> Result<bool, Error> {
        let value = self.requests.rewrite(&mut self.worker, request)?;
        Ok(self.requests.verdict(value).name() == Some("XDP_PASS"))
    }
}

/// Takes one request and sends it to `server` if it passes.
fn forward(inside: &UdpSocket, server: &UdpSocket, filter: &mut Filter) -> io::Result<()> {
    let mut request = vec![0; DATAGRAM_BYTES_MAX];
    let len = inside.recv(&mut request)?;
    request.truncate(len);
    if filter.passes(&mut request).map_err(io::Error::other)? {
        inside.send_to(&request, server.local_addr()?)?;
    }
    Ok(())
}

/// Sends requests through the proxy; gives what the server got and what was refused.
fn demo(requests: &[&str]) -> io::Result<Vec<String>> {
    let [client, proxy, server] = [(); 3].map(|()| UdpSocket::bind("127.0.0.1:0"));
    let (client, proxy, server) = (client?, proxy?, server?);
    let patience = Some(Duration::from_secs(5));
    proxy.set_read_timeout(patience)?;
    server.set_read_timeout(patience)?;

    let mut filter = Filter::load().map_err(io::Error::other)?;
    let forbid = filter.forbidden.set(b"DROP", &1);
    forbid.map_err(io::Error::other)?;

    let mut told = Vec::new();
    for request in requests {
        client.send_to(request.as_bytes(), proxy.local_addr()?)?;
        forward(&proxy, &server, &mut filter)?;
        let refused = told.len();
        filter.refusals.drain_as(|refusal: Refusal| {
            let command = String::from_utf8_lossy(&refusal.command).into_owned();
            told.push(format!("refused {command}, {} bytes", refusal.bytes));
        });
        if told.len() == refused {
            let mut got = [0; DATAGRAM_BYTES_MAX];
            let len = server.recv(&mut got)?;
            told.push(format!("server: {}", String::from_utf8_lossy(&got[..len])));
        }
    }
    Ok(told)
}

fn main() -> io::Result<()> {
    for line in demo(&["GET /users", "drop users", "put /users/1"])? {
        println!("{line}");
    }
    Ok(())
}

#[test]
fn what_is_forbidden_does_not_reach_the_server() {
    let told = demo(&["get /a", "DROP a", "dRoP everything"]).expect("the loopback interface");
    let expected = [
        "server: GET /a",
        "refused DROP, 6 bytes",
        "refused DROP, 15 bytes",
    ];
    assert_eq!(told, expected);
}
