//! A netlink socket that asks for lists.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

/// Bytes of `struct nlmsghdr`.
const HEADER_BYTES: usize = 16;
/// The kernel fills no more at once.
const BUFFER_BYTES: usize = 1 << 16;
/// `NLM_F_REQUEST | NLM_F_DUMP`
const LIST: u16 = 0x301;
/// `NLMSG_ERROR`, `NLMSG_DONE`
const ERROR: u16 = 2;
const DONE: u16 = 3;

pub(super) struct Socket(OwnedFd);

impl Socket {
    pub(super) fn open() -> io::Result<Self> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            // The first of its protocols.
            None,
        )?;
        rustix::net::connect(&socket, &netlink::SocketAddrNetlink::new(0, 0))?;
        Ok(Self(socket))
    }

    /// Hands over every message of a list: its kind and what follows the header.
    pub(super) fn dump(&self, question: u16, take: &mut dyn FnMut(u16, &[u8])) -> io::Result<()> {
        // The longest fixed part of a question, all zeroes: of any family.
        let mut message = [0; HEADER_BYTES + 16];
        message[..4].copy_from_slice(&(HEADER_BYTES as u32 + 16).to_ne_bytes());
        message[4..6].copy_from_slice(&question.to_ne_bytes());
        message[6..8].copy_from_slice(&LIST.to_ne_bytes());
        send(&self.0, &message, SendFlags::empty())?;
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let (received, _) = recv(&self.0, &mut buffer[..], RecvFlags::empty())?;
            let mut rest = &buffer[..received];
            while let Some(header) = rest.first_chunk::<HEADER_BYTES>() {
                let len = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
                let kind = u16::from_ne_bytes([header[4], header[5]]);
                let body = rest
                    .get(HEADER_BYTES..len)
                    .ok_or(io::ErrorKind::InvalidData)?;
                match kind {
                    DONE => return Ok(()),
                    ERROR => {
                        let errno = body
                            .first_chunk()
                            .map_or(0, |code| i32::from_ne_bytes(*code));
                        return Err(io::Error::from_raw_os_error(-errno));
                    }
                    kind => take(kind, body),
                }
                rest = rest.get(len.next_multiple_of(4)..).unwrap_or(&[]);
            }
        }
    }
}
