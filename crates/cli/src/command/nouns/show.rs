//! How rows are shown: JSON on one line or on several, or text.

use osmia::live::{Live, ObjectKind, Refused, Selector, Words};
use osmia::{Error, live::Handle};
use serde::Serialize;
use serde_json::Value;

use super::flags::NounFlags;
use super::pretty::pretty;
use crate::console::Console;

/// Where a noun shows what it found, and in which form.
pub(crate) struct Shower<'a> {
    console: &'a mut Console,
    flags: &'a NounFlags,
}

impl<'a> Shower<'a> {
    pub(crate) fn new(console: &'a mut Console, flags: &'a NounFlags) -> Self {
        Self { console, flags }
    }

    /// JSON if that is asked for, the text otherwise.
    pub(crate) fn either(&mut self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) {
        match self.flags.is_json() {
            true => self.value(&json()),
            false => self.console.text(&text()),
        }
    }

    /// Nothing to show: it is done.
    pub(crate) fn done(&mut self) {
        self.either(|| Value::Null, String::new);
    }

    /// Rows: one that was asked for alone, or a list.
    pub(crate) fn rows<R>(
        &mut self,
        rows: &[R],
        is_list: bool,
        json: impl Fn(&R) -> Value,
        text: impl Fn(&R) -> String,
    ) {
        self.either(
            || match rows {
                [row] if !is_list => json(row),
                rows => rows.iter().map(&json).collect(),
            },
            || rows.iter().map(&text).collect(),
        );
    }

    /// Typed values for people: JSON with lines.
    pub(crate) fn typed(value: &Value) -> String {
        format!("{}\n", pretty(value))
    }

    /// One value as JSON.
    pub(crate) fn value(&mut self, value: &Value) {
        match self.flags.pretty {
            true => self.console.line(&pretty(value)),
            false => self.console.value(value),
        }
    }
}

/// A row that serializes.
pub(crate) fn row_json(row: &impl Serialize) -> Value {
    serde_json::to_value(row).unwrap_or_default()
}

/// The objects a `show` is about: those its words select, or all. True if it is a list by its nature.
pub(crate) fn asked(
    words: Vec<String>,
    usage: &'static str,
    live: &Live,
    kind: ObjectKind,
) -> Result<(Vec<Handle>, bool), Error> {
    let mut words = Words::new(words, usage);
    if words.is_empty() {
        return Ok((live.all(kind)?, true));
    }
    let selector = words.selector()?;
    words.end()?;
    Ok((selector.find(live, kind)?, false))
}

/// A row of an object and the paths it is pinned at.
type RowOf<R> = fn(&Handle, Vec<String>) -> Result<R, Refused>;

/// The rows of a `show` of objects that may be pinned, and whether they are a list.
pub(crate) fn pinnable<R>(
    words: Vec<String>,
    usage: &'static str,
    flags: &NounFlags,
    kind: ObjectKind,
    row_of: RowOf<R>,
) -> Result<(Vec<R>, bool), Error> {
    let live = flags.live()?;
    let (objects, is_list) = asked(words, usage, &live, kind)?;
    let mut pins = match flags.bpffs {
        true => live.pins(kind),
        false => Default::default(),
    };
    let mut rows = Vec::new();
    for object in &objects {
        let pinned = pins.remove(&object.id()?).unwrap_or_default();
        rows.push(row_of(object, pinned)?);
    }
    Ok((rows, is_list))
}

/// The one object that a verb is about.
pub(crate) fn only(live: &Live, kind: ObjectKind, selector: &Selector) -> Result<Handle, Error> {
    let mut found = selector.find(live, kind)?;
    match (found.pop(), found.is_empty()) {
        (Some(handle), true) => Ok(handle),
        _ => Err(osmia::live::words(
            format!("several {kind}s go by that"),
            "choose one by `id N`",
        )),
    }
}
