//! The running kernel, through the proxy in `drivers/bpf_proxy.c`.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use osmia_both::{Call, Host, Request, Returned};
use osmia_btf::Btf;

use crate::libbpf_driver;
use crate::place::Error;

/// A process that makes the calls, in namespaces of its own.
pub(super) struct Kernel {
    process: Child,
    requests: ChildStdin,
    answers: ChildStdout,
    types: Option<Arc<Btf>>,
}

impl Kernel {
    pub(super) fn start() -> Result<Kernel, Error> {
        let path = libbpf_driver::build("bpf_proxy")?;
        let mut process = Command::new(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let types = Btf::parse(std::fs::read("/sys/kernel/btf/vmlinux")?, None)?;
        Ok(Kernel {
            types: Some(Arc::new(types)),
            requests: process.stdin.take().ok_or("no standard input")?,
            answers: process.stdout.take().ok_or("no standard output")?,
            process,
        })
    }

    fn exchange(&mut self, request: &[u8], sizes: &Sizes) -> std::io::Result<Returned> {
        self.requests.write_all(request)?;
        self.requests.flush()?;
        let mut result = [0; 8];
        self.answers.read_exact(&mut result)?;
        let mut returned = Returned {
            result: i64::from_le_bytes(result),
            attr: vec![0; sizes.attr],
            buffers: sizes.buffers.iter().map(|&bytes| vec![0; bytes]).collect(),
        };
        self.answers.read_exact(&mut returned.attr)?;
        for buffer in &mut returned.buffers {
            self.answers.read_exact(buffer)?;
        }
        Ok(returned)
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        // It ends with its requests; what it made ends with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How much an answer brings besides its result.
#[derive(Default)]
struct Sizes {
    attr: usize,
    buffers: Vec<usize>,
}

impl Host for Kernel {
    fn ask(&mut self, request: &Request) -> Result<Returned, String> {
        let mut sizes = Sizes::default();
        let bytes = match request {
            Request::Bpf(call) => {
                sizes.attr = call.attr.len();
                sizes.buffers = call.buffers.iter().map(|one| one.bytes.len()).collect();
                bpf(call)
            }
            Request::Close(fd) => words(&[1, *fd as u32]),
            Request::Mkdir(path) => [words(&[2]), text(path)].concat(),
            Request::Rmdir(path) => [words(&[3]), text(path)].concat(),
            Request::Unlink(path) => [words(&[4]), text(path)].concat(),
            Request::Rename(from, to) => [words(&[5]), text(from), text(to)].concat(),
            Request::Open(path) => [words(&[6]), text(path)].concat(),
            Request::Read(fd, bytes) => {
                sizes.buffers.push(*bytes);
                words(&[8, *fd as u32, *bytes as u32])
            }
            Request::PerfEvent(kind, config) => {
                words(&[9, *kind, *config as u32, (*config >> 32) as u32])
            }
        };
        self.exchange(&bytes, &sizes)
            .map_err(|error| format!("the proxy: {error}"))
    }

    fn types(&self) -> Option<Arc<Btf>> {
        self.types.clone()
    }

    fn pid(&self) -> u32 {
        self.process.id()
    }

    fn reset(&mut self) -> Result<(), String> {
        let returned = self.exchange(&words(&[7]), &Sizes::default());
        match returned
            .map_err(|error| format!("the proxy: {error}"))?
            .result
        {
            0 => Ok(()),
            error => Err(format!("the proxy cannot begin anew: {error}")),
        }
    }
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn text(text: &str) -> Vec<u8> {
    [words(&[text.len() as u32]), text.as_bytes().to_vec()].concat()
}

fn bpf(call: &Call) -> Vec<u8> {
    let mut bytes = words(&[0, call.command, call.size, call.attr.len() as u32]);
    bytes.extend(&call.attr);
    bytes.extend(words(&[call.buffers.len() as u32]));
    for buffer in &call.buffers {
        let parent = buffer.place.parent.map_or(0, |parent| parent as u32 + 1);
        let place = parent << 16 | buffer.place.offset as u32;
        bytes.extend(words(&[place, buffer.bytes.len() as u32]));
        bytes.extend(&buffer.bytes);
    }
    bytes
}
