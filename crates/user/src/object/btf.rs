//! A BTF object: types somebody loaded, or the kernel's own.

use std::sync::Arc;

use osmia_btf::Btf;
use osmia_program::Errno;

use super::Table;

/// A BTF object.
#[derive(Debug)]
pub(crate) struct BtfObject {
    id: std::sync::OnceLock<u32>,
    table: Arc<Table<BtfObject>>,
    /// The types.
    pub(crate) btf: Arc<Btf>,
    /// Empty for what was loaded; `vmlinux` or a module's name for the kernel's.
    pub(crate) name: &'static str,
}

impl BtfObject {
    /// Registers types.
    pub(crate) fn add(
        table: &Arc<Table<BtfObject>>,
        btf: Arc<Btf>,
        name: &'static str,
    ) -> Result<Arc<Self>, Errno> {
        let object = Arc::new(Self {
            id: std::sync::OnceLock::new(),
            table: Arc::clone(table),
            btf,
            name,
        });
        table.add(&object, |id| {
            object.id.set(id).expect("nobody else gives it one")
        })?;
        Ok(object)
    }

    /// Its id.
    pub(crate) fn id(&self) -> u32 {
        self.id.get().copied().unwrap_or(0)
    }

    /// True if these are the kernel's types.
    pub(crate) fn is_kernel(&self) -> bool {
        !self.name.is_empty()
    }
}

impl Drop for BtfObject {
    fn drop(&mut self) {
        self.table.remove(self.id());
    }
}
