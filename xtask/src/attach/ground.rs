//! A network, a control group and a command that are nobody else's.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::{self, Error};

/// Where control groups of the second kind may be mounted.
const GROUPS: [&str; 2] = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];

/// What is ours, until it is dropped.
pub(super) struct Ground {
    /// The control group's folder.
    pub(super) group: PathBuf,
    /// A copy of this job: nobody else runs this file.
    pub(super) fire: PathBuf,
    scratch: PathBuf,
}

impl Ground {
    pub(super) fn make() -> Result<Self, Error> {
        place::run(Command::new("ip").args(["link", "set", "lo", "up"]))?;
        let mounted = GROUPS
            .iter()
            .find(|folder| Path::new(folder).join("cgroup.procs").exists());
        let mounted = mounted.ok_or("no control groups of the second kind are mounted")?;
        let name = format!("osmia-attach-{}", std::process::id());
        let group = Path::new(mounted).join(&name);
        std::fs::create_dir(&group)?;
        let scratch = std::env::temp_dir().join(&name);
        std::fs::create_dir(&scratch)?;
        let fire = scratch.join("fire");
        let ground = Self {
            group,
            fire,
            scratch,
        };
        std::fs::copy(std::env::current_exe()?, &ground.fire)?;
        Ok(ground)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // What cannot be taken away is empty, and bears our name.
        let _ = std::fs::remove_dir(&self.group);
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}
