//! Network interfaces by name.

use rustix::net::{AddressFamily, SocketType, netdevice, socket};

/// The number of a network interface of this process' network.
pub fn interface(name: &str) -> Option<u32> {
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None).ok()?;
    netdevice::name_to_index(&any, name).ok()
}

/// The names there are.
pub fn interfaces() -> Vec<String> {
    let text = std::fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    // Two lines of headings.
    let names = text.lines().skip(2).filter_map(|line| line.split_once(':'));
    names.map(|(name, _)| name.trim().to_owned()).collect()
}
