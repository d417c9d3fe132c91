//! What a description says besides the context: task, stacks, time, packet.

use osmia_btf::Kind;
use osmia_btf::value::lookup_path;
use osmia_program::{Parameter, PidNamespace, Task};

use super::fields::parse_number;
use super::known;
use super::layout::{Buffer, Builder, Place, raw_bytes};
use super::network;
use super::tree::{Entry, Node, Tree};
use super::variables;

/// The names a description has.
pub(super) const NAMES: [&str; 20] = [
    "ctx",
    "data",
    "pcap",
    "task",
    "stack",
    "func",
    "cookie",
    "time",
    "cpu",
    "objects",
    "memory",
    "sysctl",
    "event",
    "regs",
    "retval",
    "counter",
    "is_return",
    "variables",
    "socket",
    "connections",
];

/// A number of a type.
pub(super) fn number<T: TryFrom<i128>>(builder: &mut Builder<'_>, node: &Node) -> Option<T> {
    let number = match &node.value {
        Tree::Integer(number) => Some(*number),
        Tree::Text(text) => parse_number(text),
        _ => None,
    };
    let fits = number.and_then(|number| T::try_from(number).ok());
    if fits.is_none() {
        let expected = format!("a number of at most {} bytes", size_of::<T>());
        builder.wrong(node, "this is no such number", &expected);
    }
    fits
}

fn list_of_numbers(builder: &mut Builder<'_>, node: &Node) -> Vec<u64> {
    match &node.value {
        Tree::List(items) => items
            .iter()
            .filter_map(|item| number(builder, item))
            .collect(),
        _ => {
            builder.wrong(node, "these are no numbers", "a list of numbers");
            Vec::new()
        }
    }
}

/// Bytes: `hex:` and digits, or text.
pub(super) fn bytes(builder: &mut Builder<'_>, node: &Node) -> Vec<u8> {
    match &node.value {
        Tree::Text(text) => raw_bytes(text).unwrap_or_else(|message| {
            builder.wrong(node, message, "pairs of digits");
            Vec::new()
        }),
        other => {
            let message = format!("{} is no data", other.what());
            builder.wrong(node, message, "`hex:` and digits, or text");
            Vec::new()
        }
    }
}

/// The parts that are not the context's; `cpu` is told by the result.
pub(super) fn fill<'a>(builder: &mut Builder<'a>, node: &'a Node, base: &Task) -> Option<u32> {
    if let Some(entry) = node.entry("objects") {
        builder.declare_objects(&entry.value);
    }
    if let Some(entry) = node.entry("memory") {
        memory(builder, &entry.value);
    }
    task(builder, node.entry("task").map(|entry| &entry.value), base);
    let mut event = builder.scene.event.take().unwrap_or_default();
    if let Some(entry) = node.entry("stack") {
        for part in table(builder, &entry.value, "a table of `kernel` and `user`") {
            let frames = list_of_numbers(builder, &part.value);
            match part.name.as_str() {
                "kernel" => event.kernel_stack = frames,
                "user" => event.user_stack = frames,
                _ => builder.unknown(part, "a stack", ["kernel", "user"]),
            }
        }
    }
    if let Some(entry) = node.entry("func") {
        event.function = number(builder, &entry.value).unwrap_or(0);
    }
    if let Some(entry) = node.entry("cookie") {
        event.cookie = number(builder, &entry.value).unwrap_or(0);
    }
    if let Some(entry) = node.entry("sysctl") {
        let mut setting = Parameter::default();
        for part in table(builder, &entry.value, "a table of `name`, `current`, `new`") {
            match part.name.as_str() {
                "name" => {
                    let name = bytes(builder, &part.value);
                    setting.name = String::from_utf8_lossy(&name).into_owned();
                }
                "current" => setting.value = bytes(builder, &part.value),
                "new" => setting.new_value = Some(bytes(builder, &part.value)),
                _ => builder.unknown(part, "a setting", ["name", "current", "new"]),
            }
        }
        event.parameter = Some(setting);
    }
    if let Some(entry) = node.entry("retval") {
        event.retval = number(builder, &entry.value).unwrap_or(0);
    }
    if let Some(entry) = node.entry("is_return") {
        match entry.value.value {
            Tree::Bool(is_return) => event.is_return = is_return,
            _ => builder.wrong(&entry.value, "this is no answer", "true or false"),
        }
    }
    if let Some(entry) = node.entry("counter") {
        const PARTS: [&str; 3] = ["value", "enabled", "running"];
        for part in table(
            builder,
            &entry.value,
            "a table of `value`, `enabled`, `running`",
        ) {
            match PARTS.iter().position(|name| *name == part.name) {
                Some(at) => event.counter[at] = number(builder, &part.value).unwrap_or(0),
                None => builder.unknown(part, "a counter", PARTS),
            }
        }
    }
    builder.scene.event = Some(event);
    if let Some(entry) = node.entry("regs") {
        registers(builder, entry);
    }
    if let Some(entry) = node.entry("time") {
        builder.scene.time_ns = number(builder, &entry.value);
    }
    if let Some(entry) = node.entry("variables") {
        let entries = table(builder, &entry.value, "a table of variables");
        variables::fill(builder, entries);
    }
    if let Some(entry) = node.entry("socket") {
        builder.scene.socket = network::socket(builder, &entry.value);
    }
    if let Some(entry) = node.entry("connections") {
        builder.scene.connections = network::connections(builder, &entry.value);
    }
    let cpu = node.entry("cpu")?;
    number(builder, &cpu.value)
}

/// The registers the task's process had when it entered the kernel.
fn registers<'a>(builder: &mut Builder<'a>, entry: &'a Entry) {
    let kernel = builder.kernel;
    let found = kernel.and_then(|btf| Some((btf, btf.find("pt_regs", Kind::Struct)?)));
    let Some((btf, ty)) = found else {
        return builder.no_types(&entry.span);
    };
    let image = builder.image("pt_regs", btf.size_of(ty).unwrap_or(0) as usize);
    builder.scene.registers = Some(image);
    let place = Place::at(Buffer::Image(image), 0, ty);
    let entries = table(builder, &entry.value, "a table of registers");
    builder.members(btf, place, entries, &[]);
}

pub(super) fn table<'a>(builder: &mut Builder<'_>, node: &'a Node, expected: &str) -> &'a [Entry] {
    match &node.value {
        Tree::Table(entries) => entries,
        other => {
            builder.wrong(node, format!("{} is not that", other.what()), expected);
            &[]
        }
    }
}

/// Memory of the process at addresses of the author's choice.
fn memory(builder: &mut Builder<'_>, node: &Node) {
    let Tree::List(items) = &node.value else {
        return builder.wrong(node, "memory is not described so", "a list of { at, data }");
    };
    for item in items {
        let (mut at, mut content) = (None, Vec::new());
        for part in table(builder, item, "{ at = address, data = \"…\" }") {
            match part.name.as_str() {
                "at" => at = number(builder, &part.value),
                "data" => content = bytes(builder, &part.value),
                _ => builder.unknown(part, "memory", ["at", "data"]),
            }
        }
        if let Some(at) = at {
            let index = builder.user("memory", content);
            builder.scene.user[index].address = at;
        }
    }
}

/// What a task has that helpers tell by themselves.
const TASK: [&str; 7] = ["pid", "tgid", "uid", "gid", "comm", "cgroups", "pidns"];

/// The task: what is not said is as in `base`. Where there are types it is an object, too.
fn task<'a>(builder: &mut Builder<'a>, node: Option<&'a Node>, base: &Task) {
    let mut task = base.clone();
    let entries = match node {
        Some(node) => table(builder, node, "a table of the task's members"),
        None => &[],
    };
    let mut tgid = None;
    for entry in entries {
        let value = &entry.value;
        match entry.name.as_str() {
            "pid" => task.pid = number(builder, value).unwrap_or(task.pid),
            "tgid" => tgid = number(builder, value),
            "uid" => task.uid = number(builder, value).unwrap_or(task.uid),
            "gid" => task.gid = number(builder, value).unwrap_or(task.gid),
            "comm" => match &value.value {
                Tree::Text(comm) => task.comm = comm.clone(),
                _ => builder.wrong(value, "this is no name", "text"),
            },
            "cgroups" => task.cgroups = list_of_numbers(builder, value),
            "pidns" => pid_namespace(builder, &mut task, value),
            _ => {}
        }
    }
    // A task that names only its pid is its process' first thread.
    if let Some(tgid) = tgid {
        task.tgid = tgid;
    } else if entries.iter().any(|entry| entry.name == "pid") {
        task.tgid = task.pid;
    }
    object(builder, entries, &task);
    builder.scene.task = Some(task);
}

fn pid_namespace(builder: &mut Builder<'_>, task: &mut Task, node: &Node) {
    let mut space = PidNamespace {
        device: 0,
        inode: 0,
        pid: task.pid,
        tgid: task.tgid,
    };
    for part in table(builder, node, "{ dev, ino, pid, tgid }") {
        match part.name.as_str() {
            "dev" => space.device = number(builder, &part.value).unwrap_or(0),
            "ino" => space.inode = number(builder, &part.value).unwrap_or(0),
            "pid" => space.pid = number(builder, &part.value).unwrap_or(0),
            "tgid" => space.tgid = number(builder, &part.value).unwrap_or(0),
            _ => builder.unknown(part, "a namespace", ["dev", "ino", "pid", "tgid"]),
        }
    }
    task.pid_namespace = Some(space);
}

/// The task as an object of the kernel: what helpers tell, and the members described.
fn object<'a>(builder: &mut Builder<'a>, entries: &'a [Entry], task: &Task) {
    let others: Vec<&str> = TASK.to_vec();
    let kernel = builder
        .kernel
        .and_then(|btf| Some((btf, btf.find("task_struct", Kind::Struct)?)));
    let Some((btf, ty)) = kernel else {
        if let Some(entry) = entries.iter().find(|entry| !others.contains(&&*entry.name)) {
            builder.no_types(&entry.span);
        }
        return;
    };
    let image = builder.image("task_struct", btf.size_of(ty).unwrap_or(0) as usize);
    builder.scene.images[image].identity = Some(format!("task {}", task.pid));
    builder.scene.current = Some(image);
    let buffer = Buffer::Image(image);
    let text = |builder: &mut Builder<'_>, buffer, ty, path: &str, value: &str| {
        // A member that these types do not have is none to fill.
        let _ = osmia_btf::value::set(btf, ty, path, value, builder.bytes(buffer));
    };
    text(builder, buffer, ty, "pid", &task.pid.to_string());
    text(builder, buffer, ty, "tgid", &task.tgid.to_string());
    if let Ok(spot) = lookup_path(btf, ty, "comm") {
        let comm = task.comm.as_bytes();
        let (start, len) = (spot.byte_offset() as usize, comm.len().min(15));
        let bytes = builder.bytes(buffer);
        if let Some(place) = bytes.get_mut(start..start + len) {
            place.copy_from_slice(&comm[..len]);
        }
    }
    if let Some(cred) = btf.find("cred", Kind::Struct) {
        let image = builder.image("cred", btf.size_of(cred).unwrap_or(0) as usize);
        for (id, names) in [
            (task.uid, ["uid", "suid", "euid", "fsuid"]),
            (task.gid, ["gid", "sgid", "egid", "fsgid"]),
        ] {
            for name in names {
                let path = format!("{name}.val");
                text(builder, Buffer::Image(image), cred, &path, &id.to_string());
            }
        }
        for name in ["cred", "real_cred"] {
            point(builder, btf, buffer, ty, name, image);
        }
    }
    if task.pid == task.tgid {
        point(builder, btf, buffer, ty, "group_leader", image);
    }
    if let Some(set) = known::group_set(builder, btf, &task.cgroups) {
        point(builder, btf, buffer, ty, "cgroups", set);
    }
    builder.members(btf, Place::at(buffer, 0, ty), entries, &others);
}

/// Makes a member the address of an image, where these types have it.
fn point(
    builder: &mut Builder<'_>,
    btf: &osmia_btf::Btf,
    buffer: Buffer,
    ty: osmia_btf::TypeId,
    member: &str,
    image: usize,
) {
    if let Ok(spot) = lookup_path(btf, ty, member) {
        builder.point(buffer, spot.byte_offset() as usize, image);
    }
}
