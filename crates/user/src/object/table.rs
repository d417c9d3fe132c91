//! Ids of one kind of object: increasing, from 1, round again behind the greatest, like the kernel's.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use osmia_program::Errno;

/// The greatest id there is.
const ID_MAX: u32 = i32::MAX as u32;

/// Which object has which id. It keeps none alive.
#[derive(Debug)]
pub(crate) struct Table<T> {
    ids: Mutex<Ids<T>>,
}

#[derive(Debug)]
struct Ids<T> {
    /// Where the search for a free id starts.
    next: u32,
    objects: BTreeMap<u32, Weak<T>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            ids: Mutex::new(Ids {
                next: 1,
                objects: BTreeMap::new(),
            }),
        }
    }
}

impl<T> Table<T> {
    /// Gives an object an id, which `keep` stores in it before anybody can find it. It is the
    /// object's to give back.
    pub(crate) fn add(&self, object: &Arc<T>, keep: impl FnOnce(u32)) -> Result<(), Errno> {
        let mut ids = self.lock();
        let start = ids.next;
        let id = (ids.free_from(start, ID_MAX))
            .or_else(|| ids.free_from(1, start - 1))
            .ok_or(Errno::ENOSPC)?;
        ids.next = if id == ID_MAX { 1 } else { id + 1 };
        keep(id);
        ids.objects.insert(id, Arc::downgrade(object));
        Ok(())
    }

    /// Takes an id back; 0 is none.
    pub(crate) fn remove(&self, id: u32) {
        let gone = self.lock().objects.remove(&id);
        // What is left of it is freed outside the lock.
        drop(gone);
    }

    /// The object with this id.
    pub(crate) fn find(&self, id: u32) -> Option<Arc<T>> {
        self.lock().objects.get(&id)?.upgrade()
    }

    /// Every object there is, by id.
    pub(crate) fn live(&self) -> Vec<Arc<T>> {
        self.lock()
            .objects
            .values()
            .filter_map(Weak::upgrade)
            .collect()
    }

    /// The least id greater than this one.
    pub(crate) fn after(&self, id: u32) -> Option<u32> {
        let ids = self.lock();
        let mut later = (ids.objects).range((Bound::Excluded(id), Bound::Unbounded));
        later.find_map(|(&id, object)| (object.strong_count() > 0).then_some(id))
    }

    fn lock(&self) -> MutexGuard<'_, Ids<T>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Ids<T> {
    /// The first free id in a range.
    fn free_from(&self, first: u32, last: u32) -> Option<u32> {
        if first > last {
            return None;
        }
        let mut candidate = first;
        for &taken in self.objects.range(first..=last).map(|(id, _)| id) {
            if taken != candidate {
                break;
            }
            candidate += 1;
        }
        (candidate <= last).then_some(candidate)
    }
}

#[cfg(test)]
mod tests {
    use super::{ID_MAX, Table};
    use std::sync::Arc;

    fn add(table: &Table<()>, object: &Arc<()>) -> u32 {
        let mut given = 0;
        table.add(object, |id| given = id).expect("an id is free");
        given
    }

    #[test]
    fn ids_go_up_and_round() {
        let table = Table::default();
        let object = Arc::new(());
        assert_eq!(add(&table, &object), 1);
        assert_eq!(add(&table, &object), 2);
        table.remove(1);
        assert_eq!(add(&table, &object), 3, "not the lowest free one");
        table.lock().next = ID_MAX;
        assert_eq!(add(&table, &object), ID_MAX);
        assert_eq!(add(&table, &object), 1);
        assert_eq!(add(&table, &object), 4, "2 and 3 are taken");
        assert_eq!(table.after(0), Some(1));
        assert_eq!(table.after(4), Some(ID_MAX));
        assert_eq!(table.after(ID_MAX), None);
    }

    #[test]
    fn an_object_being_dropped_is_not_found() {
        let table = Table::default();
        let object = Arc::new(());
        let id = add(&table, &object);
        drop(object);
        assert!(table.find(id).is_none());
        assert_eq!(table.after(0), None);
    }
}
