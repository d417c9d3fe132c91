//! Dropping what slots held: one after the other, never one inside the other.
//!
//! A program holds maps, a map programs, and so on without an end that anybody promised: dropped by
//! recursion, a long chain would overflow the stack.

use std::any::Any;
use std::cell::RefCell;

thread_local! {
    /// What is still to be dropped by whoever on this thread began; `None` if nobody did.
    static WAITING: RefCell<Option<Vec<Box<dyn Any>>>> = const { RefCell::new(None) };
}

/// Drops something that may be the last holder of much.
pub(super) fn let_go<T: Any>(held: T) {
    let held: Box<dyn Any> = Box::new(held);
    let begun = WAITING.try_with(|waiting| match &mut *waiting.borrow_mut() {
        Some(waiting) => {
            waiting.push(held);
            false
        }
        nobody => {
            *nobody = Some(vec![held]);
            true
        }
    });
    // On a thread that is ending, what was held has been dropped with the closure.
    if !begun.unwrap_or(false) {
        return;
    }
    while let Some(next) = WAITING.with(|waiting| waiting.borrow_mut().as_mut()?.pop()) {
        drop(next);
    }
    WAITING.with(|waiting| *waiting.borrow_mut() = None);
}
