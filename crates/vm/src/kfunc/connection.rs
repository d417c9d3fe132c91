//! Tracked connections (`nf_conntrack_bpf.c` and `nf_nat_bpf.c` of Linux 6.18): made, looked up, changed.
//! There is one network namespace, and an address that is translated is not looked at for being taken.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use osmia_program::Errno;

use super::family;
use crate::connection::{Connection, Tuple, Wanted, Zone};
use crate::guest::{Call, Fault, Guest};
use crate::heap::{Object, ObjectAccess, Tag};
use crate::helper::{HelperFn, kernel_structure, member_offset, negative};
use crate::leaf::Leaf;

family! {
    "bpf_xdp_ct_alloc" => allocate,
    "bpf_skb_ct_alloc" => allocate,
    "bpf_xdp_ct_lookup" => lookup,
    "bpf_skb_ct_lookup" => lookup,
    "bpf_ct_insert_entry" => insert,
    "bpf_ct_release" => |call| super::give_back(call, NAME),
    "bpf_ct_set_timeout" => set_timeout,
    "bpf_ct_change_timeout" => change_timeout,
    "bpf_ct_set_status" => change_status,
    "bpf_ct_change_status" => change_status,
    "bpf_ct_set_nat_info" => translate,
}

const NAME: &str = "nf_conn";
/// `IPPROTO_TCP`, `IPPROTO_UDP`
const PROTOCOLS: [u8; 2] = [6, 17];
/// Seconds that a connection lives unless somebody says otherwise.
const SECONDS: u64 = 10;
/// Bits of `enum ip_conntrack_status`.
const SEEN_REPLY: u64 = 1 << 1;
const ASSURED: u64 = 1 << 2;
const CONFIRMED: u64 = 1 << 3;
const DYING: u64 = 1 << 9;
const FIXED_TIMEOUT: u64 = 1 << 10;
/// Those that only the kernel sets: `IPS_UNCHANGEABLE_MASK`.
const UNCHANGEABLE: u64 = 0xdbf9;
/// `IPS_EXPECTED`, `IPS_CONFIRMED`, `IPS_DYING`
const FATE: u64 = 1 | CONFIRMED | DYING;
/// `IPS_SRC_NAT` and `IPS_SRC_NAT_DONE`; those of the destination are one bit on.
const TRANSLATED: u64 = 1 << 4;
const TRANSLATION_DONE: u64 = 1 << 7;

/// `struct bpf_ct_opts`: where in it things are, how long it is, and how long it was.
const ERROR_AT: u64 = 4;
const DIRECTION_AT: u64 = 9;
const ZONE_DIRECTIONS_AT: usize = 12;
const OPTIONS_BYTES: usize = 16;
const OLD_OPTIONS_BYTES: usize = 12;

/// The arguments of a call that names a connection: `(context, tuple, bytes, options, bytes)`.
fn wanted<G: Guest>(
    call: &mut Call<'_, G>,
    looks_up: bool,
) -> Result<Result<Wanted, Errno>, Fault> {
    call.context(1)?;
    let [_, _, tuple_bytes, _, options_bytes] = call.args;
    let options = call.bytes(4, options_bytes as u32 as usize)?;
    let tuple = call.bytes(2, tuple_bytes as u32 as usize)?;
    let wanted = read(&options, &tuple, looks_up);
    if options.len() == OPTIONS_BYTES && wanted.is_ok() && options[ZONE_DIRECTIONS_AT] == 0 {
        // The kernel says which directions it took.
        let place = call.args[3].wrapping_add(ZONE_DIRECTIONS_AT as u64);
        call.guest.write(place, &[Zone::EVERY_DIRECTION]);
    }
    call.world.reuse(options);
    call.world.reuse(tuple);
    Ok(wanted)
}

fn read(options: &[u8], tuple: &[u8], looks_up: bool) -> Result<Wanted, Errno> {
    let number = |at: usize| u16::from_ne_bytes([options[at], options[at + 1]]);
    let mut zone = Zone {
        id: 0,
        directions: Zone::EVERY_DIRECTION,
    };
    match options.len() {
        OPTIONS_BYTES if options[13..16] != [0; 3] => return Err(Errno::EINVAL),
        OPTIONS_BYTES => {
            zone.id = number(10);
            zone.directions = match options[ZONE_DIRECTIONS_AT] {
                0 => Zone::EVERY_DIRECTION,
                some => some,
            };
        }
        OLD_OPTIONS_BYTES if number(10) == 0 => {}
        _ => return Err(Errno::EINVAL),
    }
    let protocol = options[8];
    if looks_up && !PROTOCOLS.contains(&protocol) {
        return Err(Errno::EPROTO);
    }
    let namespace = i32::from_ne_bytes([options[0], options[1], options[2], options[3]]);
    if namespace < -1 {
        return Err(Errno::EINVAL);
    }
    let (source, destination) = ends(tuple).ok_or(Errno::EAFNOSUPPORT)?;
    if namespace >= 0 {
        return Err(Errno::ENONET);
    }
    let tuple = Tuple {
        source,
        destination,
        protocol,
    };
    Ok(Wanted { tuple, zone })
}

type End = (IpAddr, u16);

/// The ends of a `struct bpf_sock_tuple`, whose size says the family.
fn ends(tuple: &[u8]) -> Option<(End, End)> {
    let port = |at: usize| u16::from_be_bytes([tuple[at], tuple[at + 1]]);
    let address = |at: usize| -> Option<IpAddr> {
        Some(match tuple.len() {
            12 => Ipv4Addr::from(*tuple[at..].first_chunk::<4>()?).into(),
            _ => Ipv6Addr::from(*tuple[at..].first_chunk::<16>()?).into(),
        })
    };
    match tuple.len() {
        12 => Some(((address(0)?, port(8)), (address(4)?, port(10)))),
        36 => Some(((address(0)?, port(32)), (address(16)?, port(34)))),
        _ => None,
    }
}

/// Null, and the reason in the options.
fn refused<G: Guest>(call: &mut Call<'_, G>, why: Errno) -> u64 {
    let place = call.args[3].wrapping_add(ERROR_AT);
    call.guest.write(place, &(-why.0).to_ne_bytes());
    0
}

/// `bpf_xdp_ct_alloc`, `bpf_skb_ct_alloc`
fn allocate<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let wanted = match wanted(call, false)? {
        Ok(wanted) => wanted,
        Err(why) => return Ok(refused(call, why)),
    };
    let Some(object) = make(call, wanted)? else {
        return Ok(refused(call, Errno::ENOMEM));
    };
    let address = object.object.address;
    let timeout = SECONDS * call.world.env.hertz;
    object.set(call, "timeout", &(timeout as u32).to_ne_bytes())?;
    call.world.held.acquire(address);
    Ok(address)
}

/// A connection that is not tracked yet; `None` if memory is short.
fn make<G: Guest>(call: &mut Call<'_, G>, wanted: Wanted) -> Result<Option<View>, Fault> {
    let Wanted { tuple, zone } = wanted;
    let (types, id) = kernel_structure(call, NAME)?;
    let bytes = types.size_of(id).unwrap_or_default() as usize;
    let connection = Arc::new(Connection::new(zone, tuple));
    let tag = Tag::with(NAME, connection);
    // Programs may set the mark; that they set nothing else the verifier sees to.
    let Some(address) = call.allocate(bytes, ObjectAccess::ReadWrite, tag) else {
        return Ok(None);
    };
    let object = View::at(call, address)?;
    object.set(call, "ct_general.use", &1_u32.to_ne_bytes())?;
    object.set(call, "zone.id", &zone.id.to_ne_bytes())?;
    object.set(call, "zone.dir", &[zone.directions])?;
    object.show_tuples(call)?;
    Ok(Some(object))
}

/// Tracks the described connection that is wanted, if there is one.
fn meet<G: Guest>(call: &mut Call<'_, G>, wanted: &Wanted) -> Result<(), Fault> {
    let Some(described) = call.world.stage.meet(|described| wanted.is(described)) else {
        return Ok(());
    };
    let zone = Zone {
        id: described.zone,
        directions: Zone::EVERY_DIRECTION,
    };
    let tuple = Tuple::of(&described);
    let Some(object) = make(call, Wanted { tuple, zone })? else {
        return Ok(());
    };
    let ticks = (described.milliseconds * call.world.env.hertz).div_ceil(1000);
    let until = (ticks.min(i32::MAX as u64) as u32).wrapping_add(now(call));
    object.set(call, "timeout", &until.to_ne_bytes())?;
    let status = u64::from(described.status) | CONFIRMED;
    object.set(call, "status", &status.to_ne_bytes())?;
    object.set(call, "mark", &described.mark.to_ne_bytes())?;
    let runs = Arc::clone(&call.world.runs);
    if !(runs.connections()).insert(&object.connection, object.object.address) {
        runs.heap().free(&runs, object.object.address);
    }
    Ok(())
}

/// `bpf_xdp_ct_lookup`, `bpf_skb_ct_lookup`
fn lookup<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let wanted = match wanted(call, true)? {
        Ok(wanted) => wanted,
        Err(why) => return Ok(refused(call, why)),
    };
    meet(call, &wanted)?;
    let Wanted { tuple, zone } = wanted;
    let found = call.world.runs.connections().find(zone, tuple);
    let Some((address, direction)) = found else {
        return Ok(refused(call, Errno::ENOENT));
    };
    let object = View::at(call, address)?;
    let left = object.number(call, "timeout")?.wrapping_sub(now(call));
    if left as i32 <= 0 {
        let runs = &call.world.runs;
        runs.connections().remove(&object.connection);
        runs.heap().free(runs, address);
        return Ok(refused(call, Errno::ENOENT));
    }
    let place = call.args[3].wrapping_add(DIRECTION_AT);
    call.guest.write(place, &[direction]);
    call.world.held.acquire(address);
    Ok(address)
}

/// `bpf_ct_insert_entry(connection)`: the connection, or null if there is one like it.
fn insert<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let object = View::argument(call)?;
    let address = object.object.address;
    super::give_back(call, NAME)?;
    let until = object.number(call, "timeout")?.wrapping_add(now(call));
    let runs = Arc::clone(&call.world.runs);
    if object.is_confirmed() || !runs.connections().insert(&object.connection, address) {
        runs.heap().free(&runs, address);
        return Ok(0);
    }
    object.set(call, "timeout", &until.to_ne_bytes())?;
    let status = object.status(call)? | CONFIRMED;
    object.set(call, "status", &status.to_ne_bytes())?;
    call.world.held.acquire(address);
    Ok(address)
}

/// `bpf_ct_set_timeout(connection, milliseconds)`
fn set_timeout<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let object = View::argument(call)?;
    let milliseconds = u64::from(call.args[1] as u32);
    let ticks = (milliseconds * call.world.env.hertz).div_ceil(1000);
    let mut timeout = ticks.min(i32::MAX as u64) as u32;
    if object.is_confirmed() {
        timeout = timeout.wrapping_add(now(call));
    }
    object.set(call, "timeout", &timeout.to_ne_bytes())?;
    Ok(0)
}

/// `bpf_ct_change_timeout(connection, milliseconds)`
fn change_timeout<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let status = View::argument(call)?.status(call)?;
    if status & FIXED_TIMEOUT != 0 {
        return Ok(negative(Errno::EPERM));
    }
    set_timeout(call)
}

/// `bpf_ct_set_status(connection, status)`, `bpf_ct_change_status(connection, status)`
fn change_status<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let object = View::argument(call)?;
    let (old, new) = (object.status(call)?, u64::from(call.args[1] as u32));
    let changed = old ^ new;
    // What was seen once stays seen.
    let lost = changed & !new & (SEEN_REPLY | ASSURED);
    if changed & FATE != 0 || lost != 0 {
        return Ok(negative(Errno::EBUSY));
    }
    let status = old | new & !UNCHANGEABLE;
    object.set(call, "status", &status.to_ne_bytes())?;
    Ok(0)
}

/// `bpf_ct_set_nat_info(connection, address, port, which)`: replies come from, or go to, another address.
fn translate<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let object = View::argument(call)?;
    let (port, which) = (call.args[2] as i32, call.args[3] as u32);
    if which > 1 {
        return Ok(negative(Errno::EINVAL));
    }
    let mut status = object.status(call)?;
    if status & TRANSLATION_DONE << which != 0 {
        return Ok(negative(Errno::ENOMEM));
    }
    let address = call.bytes(2, 16)?;
    let mut state = object.connection.lock();
    let before = state.tuples[1].reversed();
    let address: IpAddr = match before.source.0 {
        IpAddr::V4(_) => Ipv4Addr::new(address[0], address[1], address[2], address[3]).into(),
        IpAddr::V6(_) => {
            Ipv6Addr::from(*address.first_chunk::<16>().expect("they were read")).into()
        }
    };
    let mut after = before;
    let end = match which {
        0 => &mut after.source,
        _ => &mut after.destination,
    };
    *end = (address, if port > 0 { port as u16 } else { end.1 });
    if after != before {
        state.tuples[1] = after.reversed();
        status |= TRANSLATED << which;
    }
    drop(state);
    object.show_tuples(call)?;
    status |= TRANSLATION_DONE << which;
    object.set(call, "status", &status.to_ne_bytes())?;
    Ok(0)
}

/// Ticks, as far as timeouts go.
fn now<G: Guest>(call: &mut Call<'_, G>) -> u32 {
    Leaf::Jiffies.look(&mut call.world.env) as u32
}

/// A connection as `struct nf_conn`.
struct View {
    object: Object,
    connection: Arc<Connection>,
}

impl View {
    /// The first argument.
    fn argument<G: Guest>(call: &Call<'_, G>) -> Result<Self, Fault> {
        Self::at(call, call.args[0])
    }

    fn at<G: Guest>(call: &Call<'_, G>, address: u64) -> Result<Self, Fault> {
        let object = call.world.runs.heap().object(address);
        let object = object.filter(|object| object.offset == 0);
        let found = object.and_then(|object| Some((object.payload()?, object)));
        match found {
            Some((connection, object)) => Ok(Self { object, connection }),
            None => Err(Fault::Argument {
                argument: 1,
                what: format!("is {address:#x}, not a connection"),
            }),
        }
    }

    fn is_confirmed(&self) -> bool {
        self.connection.lock().confirmed
    }

    fn set<G: Guest>(&self, call: &Call<'_, G>, member: &str, value: &[u8]) -> Result<(), Fault> {
        let at = member_offset(call, NAME, member)? as usize;
        self.object.write(at, value);
        Ok(())
    }

    fn number<G: Guest>(&self, call: &Call<'_, G>, member: &str) -> Result<u32, Fault> {
        let mut word = [0; 4];
        let at = member_offset(call, NAME, member)? as usize;
        self.object.read(at, &mut word);
        Ok(u32::from_ne_bytes(word))
    }

    fn status<G: Guest>(&self, call: &Call<'_, G>) -> Result<u64, Fault> {
        self.number(call, "status").map(u64::from)
    }

    /// Writes both directions' addresses.
    fn show_tuples<G: Guest>(&self, call: &Call<'_, G>) -> Result<(), Fault> {
        let tuples = self.connection.lock().tuples;
        for (direction, tuple) in tuples.into_iter().enumerate() {
            let ends = [("src", tuple.source), ("dst", tuple.destination)];
            let set = |part: &str, value: &[u8]| {
                self.set(call, &format!("tuplehash[{direction}].tuple.{part}"), value)
            };
            for (end, (address, port)) in ends {
                let mut union = [0; 16];
                match address {
                    IpAddr::V4(address) => union[..4].copy_from_slice(&address.octets()),
                    IpAddr::V6(address) => union = address.octets(),
                }
                set(&format!("{end}.u3"), &union)?;
                set(&format!("{end}.u"), &port.to_be_bytes())?;
            }
            /// `AF_INET`, `AF_INET6`
            const FAMILIES: [u16; 2] = [2, 10];
            let family = FAMILIES[usize::from(tuple.source.0.is_ipv6())];
            set("src.l3num", &family.to_ne_bytes())?;
            set("dst.protonum", &[tuple.protocol])?;
            set("dst.dir", &[direction as u8])?;
        }
        Ok(())
    }
}
