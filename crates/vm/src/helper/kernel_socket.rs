//! Sockets as the kernel's own structures: a described kernel object is one already, of a described
//! socket a copy is laid out by the kernel's types. Without types there is none.

use std::net::IpAddr;

use super::HelperFn;
use super::member::structure;
use super::probe::{Whose, anywhere};
use crate::guest::{Call, Fault, Guest};
use crate::kernel_layout::KernelLayout;
use crate::socket::{LiveSocket, Socket, family, kind, protocol, state};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        136 => |call| skc_to(call, &TCP6),
        137 => |call| skc_to(call, &TCP),
        138 => |call| skc_to(call, &TIMEWAIT),
        139 => |call| skc_to(call, &REQUEST),
        140 => |call| skc_to(call, &UDP6),
        178 => |call| skc_to(call, &UNIX),
        // No connection here is a part of another.
        196 => |_| Ok(0),
        _ => return None,
    })
}

/// A structure of the kernel's for some kind of sockets.
struct View {
    name: &'static str,
    /// What every socket has, and what full ones have.
    common: &'static str,
    full: Option<&'static str>,
    /// Where what TCP counts is.
    numbers: Option<&'static str>,
    is: fn(&Kind) -> bool,
}

/// What decides which structure a socket is.
struct Kind {
    family: u32,
    kind: u32,
    protocol: u32,
    state: u32,
}

impl Kind {
    fn is_full(&self) -> bool {
        ![state::TIME_WAIT, state::NEW_SYN_RECV].contains(&self.state)
    }

    fn is_tcp(&self) -> bool {
        self.is_full() && self.kind == kind::STREAM && self.protocol == protocol::TCP
    }
}

const TCP: View = View {
    name: "tcp_sock",
    common: "inet_conn.icsk_inet.sk.__sk_common",
    full: Some("inet_conn.icsk_inet.sk"),
    numbers: Some(""),
    is: Kind::is_tcp,
};
const TCP6: View = View {
    name: "tcp6_sock",
    common: "tcp.inet_conn.icsk_inet.sk.__sk_common",
    full: Some("tcp.inet_conn.icsk_inet.sk"),
    numbers: Some("tcp."),
    is: |kind| kind.is_tcp() && kind.family == family::INET6,
};
const UDP6: View = View {
    name: "udp6_sock",
    common: "udp.inet.sk.__sk_common",
    full: Some("udp.inet.sk"),
    numbers: None,
    is: |of| {
        let is_udp = of.kind == kind::DATAGRAM && of.protocol == protocol::UDP;
        of.is_full() && is_udp && of.family == family::INET6
    },
};
const TIMEWAIT: View = View {
    name: "tcp_timewait_sock",
    common: "tw_sk.__tw_common",
    full: None,
    numbers: None,
    is: |kind| kind.state == state::TIME_WAIT,
};
const REQUEST: View = View {
    name: "tcp_request_sock",
    common: "req.req.__req_common",
    full: None,
    numbers: None,
    is: |kind| kind.state == state::NEW_SYN_RECV,
};
const UNIX: View = View {
    name: "unix_sock",
    common: "sk.__sk_common",
    full: Some("sk"),
    numbers: None,
    is: |kind| kind.is_full() && kind.family == family::UNIX,
};

/// `bpf_skc_to_tcp_sock` and relatives: null for a socket of another kind.
fn skc_to<G: Guest>(call: &mut Call<'_, G>, view: &View) -> Result<u64, Fault> {
    let address = call.args[0];
    if address == 0 || call.world.env.types.is_none() {
        return Ok(0);
    }
    let Some(live) = LiveSocket::at(&call.world.runs, address) else {
        return described(call, view);
    };
    let socket = live.lock().clone();
    let kind = Kind {
        family: socket.family,
        kind: socket.kind,
        protocol: socket.protocol,
        state: socket.state,
    };
    if !(view.is)(&kind) {
        return Ok(0);
    }
    let types = call.world.env.types.clone();
    let mut layout = KernelLayout::of(types.as_deref(), view.name)?;
    fill(&mut layout, view, &socket);
    Ok(layout.show(call.guest))
}

fn fill(layout: &mut KernelLayout<'_>, view: &View, socket: &Socket) {
    let common = |member: &str| format!("{}.{member}", view.common);
    layout.set(&common("skc_family"), socket.family.into());
    layout.set(&common("skc_state"), socket.state.into());
    layout.set(&common("skc_num"), socket.local.1.into());
    layout.copy(&common("skc_dport"), &socket.remote.1.to_be_bytes());
    layout.set(&common("skc_bound_dev_if"), socket.link.into());
    layout.set(&common("skc_cookie.counter"), socket.cookie);
    let ends = [
        (socket.remote.0, "skc_daddr", "skc_v6_daddr"),
        (socket.local.0, "skc_rcv_saddr", "skc_v6_rcv_saddr"),
    ];
    for (address, ipv4, ipv6) in ends {
        match address {
            IpAddr::V4(address) => layout.copy(&common(ipv4), &address.octets()),
            IpAddr::V6(address) => layout.copy(&common(ipv6), &address.octets()),
        }
    }
    if let Some(full) = view.full {
        for (member, value) in [
            ("sk_protocol", socket.protocol),
            ("sk_type", socket.kind),
            ("sk_mark", socket.mark),
            ("sk_priority", socket.priority),
        ] {
            layout.set(&format!("{full}.{member}"), value.into());
        }
    }
    if let Some(prefix) = view.numbers {
        for (name, value) in socket.numbers.iter() {
            layout.set(&format!("{prefix}{name}"), value);
        }
    }
}

/// A described kernel object, if what it holds is of the kind.
fn described<G: Guest>(call: &mut Call<'_, G>, view: &View) -> Result<u64, Fault> {
    let address = call.args[0];
    let number = |path: &str| -> Result<u32, Fault> {
        let (types, of) = structure(call, "sock")?;
        let Ok(spot) = osmia_btf::value::lookup_path(&types, of, path) else {
            return Ok(0);
        };
        let mut word = [0; 4];
        let bytes = types.size_of(spot.ty).unwrap_or(4).min(4) as usize;
        let from = address.wrapping_add(spot.byte_offset());
        // What ends before the member has none.
        anywhere(call).read(Whose::Kernel, from, &mut word[..bytes]);
        Ok(u32::from_ne_bytes(word))
    };
    let kind = Kind {
        family: number("__sk_common.skc_family")?,
        state: number("__sk_common.skc_state")?,
        kind: number("sk_type")?,
        protocol: number("sk_protocol")?,
    };
    let (types, of) = structure(call, view.name)?;
    let bytes = types.size_of(of).unwrap_or(0) as u32;
    let whole = call.guest.allows(address, bytes, false);
    Ok(if (view.is)(&kind) && whole {
        address
    } else {
        0
    })
}
