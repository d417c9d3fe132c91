//! The running kernel as a rival, through the driver in `drivers/kernel_maps.c`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::libbpf_driver;
use crate::place::{self, Error};

/// An object's programs and maps in the kernel.
pub(super) struct Kernel {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What a map holds beforehand: its name, a key, a value for one CPU.
pub(super) type Entry = (&'static str, Vec<u8>, Vec<u8>);

impl Kernel {
    /// Loads an object of `crates/benches/programs` by name, and fills its maps.
    pub(super) fn start(object: &str, entries: &[Entry]) -> Result<Self, Error> {
        let folder = place::root().join("crates/benches/programs");
        let mut child = Command::new(libbpf_driver::build("kernel_maps")?)
            .arg(folder.join(format!("{object}.bpf.o")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut commands = child.stdin.take().ok_or("the driver has no input")?;
        let answers = child.stdout.take().ok_or("the driver has no output")?;
        let mut bytes = (entries.len() as u32).to_ne_bytes().to_vec();
        for (name, key, value) in entries {
            let parts = [name.as_bytes(), key, value];
            for part in parts {
                bytes.extend((part.len() as u32).to_ne_bytes());
            }
            bytes.extend(parts.concat());
        }
        commands.write_all(&bytes)?;
        commands.flush()?;
        let mut kernel = Self {
            child,
            commands,
            answers: BufReader::new(answers),
        };
        match kernel.answer()?.as_str() {
            "ready" => Ok(kernel),
            _ => Err("the kernel does not take the bench programs".into()),
        }
    }

    /// How long one run takes when so many CPUs run it at once.
    pub(super) fn time(
        &mut self,
        program: &str,
        runs: u32,
        threads: u32,
    ) -> Result<Duration, Error> {
        writeln!(self.commands, "{program} {runs} {threads}")?;
        self.commands.flush()?;
        Ok(Duration::from_nanos(self.answer()?.parse()?))
    }

    fn answer(&mut self) -> Result<String, Error> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        // It ends with its input; then its maps are gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
