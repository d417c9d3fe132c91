//! What of the network a description says: the socket that an event belongs to, connections that are
//! tracked.

use std::net::SocketAddr;

use osmia_program::context::{Context, context};
use osmia_program::{EventSocket, ProgramKind, TrackedConnection};

use super::event::{number, table};
use super::fields;
use super::layout::{Buffer, Builder};
use super::tree::{Entry, Node, Tree};

/// What a socket has besides the fields of `bpf_sock`.
const SOCKET: [&str; 2] = ["cookie", "uid"];
/// What a connection has.
const CONNECTION: [&str; 7] = [
    "protocol",
    "source",
    "destination",
    "zone",
    "mark",
    "status",
    "timeout",
];
/// Milliseconds that a connection lives unless it is said.
const TIMEOUT: u64 = 600_000;

/// The socket that the packet or the event belongs to.
pub(super) fn socket<'a>(builder: &mut Builder<'a>, node: &'a Node) -> Option<EventSocket> {
    let Context::Fields(layout) = context(ProgramKind::CgroupSock) else {
        return None;
    };
    let entries = table(builder, node, "a table of `bpf_sock`'s fields");
    let mut socket = EventSocket {
        cookie: 1,
        ..EventSocket::default()
    };
    for entry in entries {
        match entry.name.as_str() {
            "cookie" => socket.cookie = number(builder, &entry.value).unwrap_or(1),
            "uid" => socket.uid = number(builder, &entry.value).unwrap_or(0),
            _ => {}
        }
    }
    // Laid out as an object that nothing points to, which is then taken away again.
    let image = builder.image(layout.name, layout.bytes as usize);
    fields::members(
        builder,
        layout.layout(),
        Buffer::Image(image),
        entries,
        &SOCKET,
    );
    socket.bytes = builder.scene.images.pop()?.bytes;
    Some(socket)
}

/// The connections that are tracked.
pub(super) fn connections(builder: &mut Builder<'_>, node: &Node) -> Vec<TrackedConnection> {
    let Tree::List(items) = &node.value else {
        builder.wrong(node, "connections are not described so", "a list of tables");
        return Vec::new();
    };
    (items.iter())
        .filter_map(|item| connection(builder, item))
        .collect()
}

fn connection(builder: &mut Builder<'_>, node: &Node) -> Option<TrackedConnection> {
    let entries = table(
        builder,
        node,
        "a table of `protocol`, `source`, `destination`, …",
    );
    for entry in entries {
        if !CONNECTION.contains(&entry.name.as_str()) {
            builder.unknown(entry, "a connection", CONNECTION);
        }
    }
    let value = |name: &str| {
        let found = entries.iter().find(|entry: &&Entry| entry.name == name);
        found.map(|entry| &entry.value)
    };
    let (source, destination) = (value("source"), value("destination"));
    let (Some(source), Some(destination)) = (source, destination) else {
        builder.wrong(
            node,
            "this connection has no two ends",
            "`source` and `destination`",
        );
        return None;
    };
    let zone = value("zone").and_then(|value| number(builder, value));
    let mark = value("mark").and_then(|value| number(builder, value));
    let status = value("status").and_then(|value| number(builder, value));
    let milliseconds = value("timeout").and_then(|value| number(builder, value));
    let (source, destination) = (end(builder, source)?, end(builder, destination)?);
    if source.is_ipv4() != destination.is_ipv4() {
        builder.wrong(
            node,
            "its ends are of different families",
            "both of one family",
        );
        return None;
    }
    Some(TrackedConnection {
        source,
        destination,
        protocol: value("protocol").map_or(Some(TCP), |value| protocol(builder, value))?,
        zone: zone.unwrap_or(0),
        mark: mark.unwrap_or(0),
        status: status.unwrap_or(0),
        milliseconds: milliseconds.unwrap_or(TIMEOUT),
    })
}

/// `IPPROTO_TCP`, `IPPROTO_UDP`
const TCP: u8 = 6;
const UDP: u8 = 17;

fn protocol(builder: &mut Builder<'_>, node: &Node) -> Option<u8> {
    match &node.value {
        Tree::Text(name) if name == "tcp" => Some(TCP),
        Tree::Text(name) if name == "udp" => Some(UDP),
        _ => {
            builder.wrong(node, "such connections are not tracked", "`tcp` or `udp`");
            None
        }
    }
}

/// An address and a port.
fn end(builder: &mut Builder<'_>, node: &Node) -> Option<SocketAddr> {
    let end = match &node.value {
        Tree::Text(text) => text.parse().ok(),
        _ => None,
    };
    if end.is_none() {
        builder.wrong(
            node,
            "this is no address with a port",
            "one like \"192.0.2.1:443\" or \"[2001:db8::1]:443\"",
        );
    }
    end
}
