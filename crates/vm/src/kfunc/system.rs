//! Functions about maps, keys and sockets.

use std::sync::Arc;

use osmia_program::{Errno, MapKind};

use super::{family, give_back};
use crate::checked::not_a_map;
use crate::fields::{Allocated, ObjectType};
use crate::guest::{Call, Fault, Guest};
use crate::heap::{ObjectAccess, Tag};
use crate::helper::{HelperFn, negative, stream_vprintk};
use crate::map::Walk;
use crate::socket::{LiveSocket, protocol, state};

family! {
    "bpf_map_sum_elem_count" => sum_elem_count,
    "bpf_lookup_system_key" => system_key,
    "bpf_lookup_user_key" => |_| Ok(0),
    "bpf_key_put" => |call| give_back(call, KEY),
    "bpf_sock_destroy" => sock_destroy,
    "bpf_sock_ops_enable_tx_tstamp" => enable_tx_tstamp,
    "bpf_stream_vprintk_impl" => stream_vprintk,
}

/// `bpf_map_sum_elem_count(map)`: only hashes count.
fn sum_elem_count<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let handle = call.args[0];
    let map = call.guest.map(handle).ok_or_else(|| not_a_map(handle, 1))?;
    let counts = matches!(
        map.spec().kind,
        MapKind::Hash | MapKind::LruHash | MapKind::PercpuHash | MapKind::LruPercpuHash
    );
    let (mut walk, mut key, mut count) = (Walk::default(), Vec::new(), 0);
    while counts && map.walk(&mut walk, call.world.env.cpu, &mut key).is_some() {
        count += 1;
    }
    Ok(count)
}

const KEY: &str = "bpf_key";

/// `bpf_lookup_system_key(id)`: one of the kernel's own keyrings, of which nothing is known but that
/// they exist. Of users' keyrings there are none.
fn system_key<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    /// `VERIFY_USE_PLATFORM_KEYRING`
    const LAST: u64 = 2;
    /// Bytes of `struct bpf_key`.
    const BYTES: usize = 16;
    if call.args[0] > LAST {
        return Ok(0);
    }
    let ty = ObjectType {
        name: Arc::from(KEY),
        bytes: BYTES,
        fields: None,
    };
    let tag = Tag::with(KEY, Arc::new(Allocated::new(Arc::new(ty), None)));
    let address = call.allocate(BYTES, ObjectAccess::Read, tag);
    if let Some(address) = address {
        call.world.held.acquire(address);
    }
    Ok(address.unwrap_or(0))
}

/// `bpf_sock_destroy(sk)`: a connection is closed at once.
fn sock_destroy<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let Some(live) = LiveSocket::at(&call.world.runs, call.args[0]) else {
        return Err(Fault::Argument {
            argument: 1,
            what: format!("is {:#x}, not a socket", call.args[0]),
        });
    };
    if !matches!(live.lock().protocol, protocol::TCP | protocol::UDP) {
        return Ok(negative(Errno::EOPNOTSUPP));
    }
    live.change(&call.world.runs, |socket| socket.state = state::CLOSE);
    Ok(0)
}

/// `bpf_sock_ops_enable_tx_tstamp(ops, flags)`: only while a message is sent, and nothing stamps it.
fn enable_tx_tstamp<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    /// `BPF_SOCK_OPS_TSTAMP_SENDMSG_CB`
    const SENDING: u32 = 20;
    let result = match (call.args[1], call.world.context.field("op")) {
        (0, SENDING) => return Ok(0),
        (0, _) => Errno::EOPNOTSUPP,
        _ => Errno::EINVAL,
    };
    Ok(negative(result))
}
