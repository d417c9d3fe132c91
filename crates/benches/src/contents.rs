//! What the maps of the bench programs hold before the first run.

/// Keys and values.
pub type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// Prefix lengths of the routes, drawn from evenly.
const LENGTHS: [u32; 16] = [
    8, 12, 16, 16, 19, 20, 21, 22, 22, 23, 24, 24, 24, 24, 24, 30,
];
/// Entries of the hash, all of its room.
const HASH_ENTRIES: u32 = 65_536;
/// Routes beside the default one.
const ROUTES: u32 = 10_000;
/// Slots of the balancer's hash ring.
const RING: u32 = 65_537;
/// Servers behind the balancer.
const REALS: u32 = 256;

/// The entries of a map of a bench program; maps without any start empty.
pub fn contents(program: &str, map: &str) -> Entries {
    match (program, map) {
        ("map_hash", "table") => (0..HASH_ENTRIES)
            .map(|i| (native(mix32(i)), u64::from(i).to_ne_bytes().to_vec()))
            .collect(),
        ("map_lpm", "routes") => routes(),
        ("l4lb", "vips") => {
            let key = [198, 51, 100, 20, 0, 80, 6, 0];
            vec![(key.to_vec(), [native(3), native(0)].concat())]
        }
        ("l4lb", "ring") => (0..RING)
            .map(|i| (native(i), native(mix32(i) & 255)))
            .collect(),
        ("l4lb", "reals") => (0..REALS)
            .map(|i| {
                let address = native(0x0a00_0001 + (i << 8));
                let hardware = [2, 0, 0, 0, 1, i as u8, 0, 0];
                (native(i), [address, hardware.to_vec()].concat())
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn routes() -> Entries {
    let default = (vec![0; 8], native(1));
    let others = (1..=ROUTES).map(|i| {
        let length = LENGTHS[(mix32(2 * i + 1) & 15) as usize];
        let address = mix32(i) & (u32::MAX << (32 - length));
        let key = [native(length), address.to_be_bytes().to_vec()].concat();
        (key, native(mix32(address).wrapping_add(length)))
    });
    std::iter::once(default).chain(others).collect()
}

fn native(value: u32) -> Vec<u8> {
    value.to_ne_bytes().to_vec()
}

/// Spreads small numbers over the key space, as `bench.h` does.
pub(crate) fn mix32(x: u32) -> u32 {
    let x = (x ^ x >> 16).wrapping_mul(0x7feb_352d);
    let x = (x ^ x >> 15).wrapping_mul(0x846c_a68b);
    x ^ x >> 16
}
