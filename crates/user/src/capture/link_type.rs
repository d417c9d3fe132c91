//! Link types: what the first byte of a captured packet is the start of.

use std::fmt;

/// A link type as the file formats number them (`LINKTYPE_…`). Every number is kept.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkType(pub u32);

macro_rules! link_types {
    ($($constant:ident = $number:literal $name:literal,)+) => {
        #[allow(missing_docs)]
        impl LinkType {
            $(pub const $constant: LinkType = LinkType($number);)+

            /// The registered name without `LINKTYPE_`, where there is one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)+
                    _ => None,
                }
            }
        }
    };
}

link_types! {
    NULL = 0 "NULL",
    ETHERNET = 1 "ETHERNET",
    IEEE802_5 = 6 "IEEE802_5",
    PPP = 9 "PPP",
    FDDI = 10 "FDDI",
    PPP_HDLC = 50 "PPP_HDLC",
    RAW = 101 "RAW",
    C_HDLC = 104 "C_HDLC",
    IEEE802_11 = 105 "IEEE802_11",
    FRELAY = 107 "FRELAY",
    LOOP = 108 "LOOP",
    LINUX_SLL = 113 "LINUX_SLL",
    PFLOG = 117 "PFLOG",
    IEEE802_11_PRISM = 119 "IEEE802_11_PRISM",
    IEEE802_11_RADIOTAP = 127 "IEEE802_11_RADIOTAP",
    USER0 = 147 "USER0",
    PPI = 192 "PPI",
    BLUETOOTH_HCI_H4 = 187 "BLUETOOTH_HCI_H4",
    USB_LINUX = 189 "USB_LINUX",
    IEEE802_15_4_WITHFCS = 195 "IEEE802_15_4_WITHFCS",
    BLUETOOTH_HCI_H4_WITH_PHDR = 201 "BLUETOOTH_HCI_H4_WITH_PHDR",
    USB_LINUX_MMAPPED = 220 "USB_LINUX_MMAPPED",
    CAN_SOCKETCAN = 227 "CAN_SOCKETCAN",
    IPV4 = 228 "IPV4",
    IPV6 = 229 "IPV6",
    IEEE802_15_4_NOFCS = 230 "IEEE802_15_4_NOFCS",
    DBUS = 231 "DBUS",
    NFLOG = 239 "NFLOG",
    IPNET = 226 "IPNET",
    NETLINK = 253 "NETLINK",
    BLUETOOTH_LINUX_MONITOR = 254 "BLUETOOTH_LINUX_MONITOR",
    VSOCK = 271 "VSOCK",
    LINUX_SLL2 = 276 "LINUX_SLL2",
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "link type {}", self.0),
        }
    }
}
