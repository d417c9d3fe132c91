//! Where objects are pinned: the file systems for that, walked.

use std::collections::HashMap;
use std::path::Path;

use super::{Live, ObjectKind};
use crate::limits;

impl Live {
    /// The paths at which objects of a kind are pinned, by id.
    pub fn pins(&self, kind: ObjectKind) -> HashMap<u32, Vec<String>> {
        let mut pins: HashMap<u32, Vec<String>> = HashMap::new();
        let mut folders: Vec<String> = self.pin_folders();
        let mut left = limits::PINS_LOOKED_AT_MAX;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                left = match left {
                    0 => return pins,
                    left => left - 1,
                };
                let path = entry.path().display().to_string();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path);
                } else if let Some(id) = self.id_at(&path, kind) {
                    pins.entry(id).or_default().push(path);
                }
            }
        }
        pins.values_mut().for_each(|paths| paths.sort());
        pins
    }

    fn id_at(&self, path: &str, kind: ObjectKind) -> Option<u32> {
        let handle = self.pinned(path).ok()?;
        (handle.kind() == kind).then(|| handle.id().ok()).flatten()
    }

    /// Where the kernel's pins are mounted.
    fn pin_folders(&self) -> Vec<String> {
        if !self.is_kernel() {
            return Vec::new();
        }
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let of_bpf = mounts.lines().filter_map(|line| {
            let mut words = line.split(' ');
            let (folder, kind) = (words.nth(1)?, words.next()?);
            (kind == "bpf" && Path::new(folder).is_dir()).then(|| folder.to_owned())
        });
        of_bpf.collect()
    }
}
