//! Runs every text in `tests/files`: directives in comments, assembly, and after `----` what came
//! out. A line of `++++` begins another program of the case, for tail calls. `BLESS=1` writes what comes out instead of comparing it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use osmia_btf::{Btf, BtfBuilder, Endian, Int};
use osmia_isa::{Callee, Insn, MapRef, Resolve, Slot, decode};
use osmia_program::Parameter;
use osmia_program::{
    AttachKind, DebugInfo, Hook, KfuncRef, MapBtf, MapFlags, MapKind, MapSpec, Poison, Program,
    ProgramFlags, ProgramKind, ProgramParts, RecordSource, Role, UpdateMode, kfunc,
};
use osmia_vm::map::{GroupKey, Map, Runs};
use osmia_vm::net::Network;
use osmia_vm::owner::OwnerKind;
use osmia_vm::socket::{Socket, state};
use osmia_vm::{Code, Environment, Layer, Machine};

mod special;

/// Names of helpers, and of the case's maps.
struct Known<'a>(&'a [MapSpec]);

impl Resolve for Known<'_> {
    fn helper(&self, name: &str) -> Option<i32> {
        osmia_program::helper::by_name(name).map(|helper| helper.id as i32)
    }

    /// Kernel functions are numbered as the table has them.
    fn kfunc(&self, name: &str) -> Option<(i32, i16)> {
        let position = kfunc::ALL.iter().position(|kfunc| kfunc.name == name)?;
        Some((position as i32 + 1, 0))
    }

    fn map(&self, name: &str) -> Option<MapRef> {
        let index = self.0.iter().position(|map| map.name == name)?;
        Some(MapRef::Idx(index as i32))
    }
}

struct Case {
    kind: ProgramKind,
    attach: Option<AttachKind>,
    /// Given: calls are judged as Linux does before the program is prepared.
    license: Option<String>,
    packet: Vec<u8>,
    context: Vec<u8>,
    layer: Layer,
    insns_max: Option<u64>,
    repeat: u32,
    poisons: Vec<Poison>,
    /// Structures of objects, and by map the special fields of values.
    objects: Vec<String>,
    fields: Vec<(String, String)>,
    /// Timers and work run after the runs.
    settle: bool,
    maps: Vec<MapSpec>,
    /// Map, key, value.
    entries: Vec<(String, Vec<u8>, Vec<u8>)>,
    /// Kernel's and process' call stack, ids of control groups.
    stacks: [Vec<u64>; 2],
    cgroups: Vec<u64>,
    /// Sockets there are, and the one the context names.
    sockets: Vec<Socket>,
    sk: Option<u64>,
    /// User ring buffer, sample; `None` for one that was given up.
    samples: Vec<(String, Option<Vec<u8>>)>,
    /// Arena, offset, what the process writes there.
    touched: Vec<(String, u64, Vec<u8>)>,
    /// Objects whose addresses are the arguments in the context.
    arguments: Vec<(OwnerKind, u64)>,
    /// The network, and the socket of it that the event belongs to.
    network: Network,
    owned: Option<u64>,
    /// The kernel parameter of the event.
    parameter: Option<Parameter>,
    /// The control group the program is attached to, by the attach type.
    attached: Option<GroupKey>,
    /// Program array, index, number of the program in the case.
    slots: Vec<(String, u32, usize)>,
}

/// CPUs of the machine cases run on.
const CPUS: u32 = 2;

fn hex(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in text.split_whitespace() {
        if let Some((byte, count)) = word.split_once('x').filter(|(byte, _)| byte.len() == 2) {
            let byte = u8::from_str_radix(byte, 16).expect("a byte");
            bytes.resize(bytes.len() + count.parse::<usize>().expect("a count"), byte);
        } else {
            for at in (0..word.len()).step_by(2) {
                bytes.push(u8::from_str_radix(&word[at..at + 2], 16).expect("hex"));
            }
        }
    }
    bytes
}

fn show(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut at = 0;
    while at < bytes.len() {
        let run = bytes[at..]
            .iter()
            .take_while(|&&byte| byte == bytes[at])
            .count();
        if run > 8 {
            write!(text, " {:02x}x{run}", bytes[at]).unwrap();
            at += run;
        } else {
            write!(text, " {:02x}", bytes[at]).unwrap();
            at += 1;
        }
    }
    text
}

fn parse(input: &str) -> Case {
    let mut case = Case {
        kind: ProgramKind::Xdp,
        attach: None,
        license: None,
        packet: Vec::new(),
        context: Vec::new(),
        layer: Layer::Ethernet,
        insns_max: None,
        repeat: 1,
        poisons: Vec::new(),
        objects: Vec::new(),
        fields: Vec::new(),
        settle: false,
        maps: Vec::new(),
        entries: Vec::new(),
        stacks: Default::default(),
        cgroups: vec![1],
        sockets: Vec::new(),
        sk: None,
        samples: Vec::new(),
        touched: Vec::new(),
        arguments: Vec::new(),
        network: Network::loopback(),
        owned: None,
        parameter: None,
        attached: None,
        slots: Vec::new(),
    };
    for line in input.lines() {
        let Some((name, value)) = line
            .strip_prefix("; ")
            .and_then(|line| line.split_once(": "))
        else {
            continue;
        };
        match name {
            "type" => case.kind = ProgramKind::from_name(value).expect("a program type"),
            "attach" => case.attach = AttachKind::from_name(value),
            "license" => case.license = Some(value.to_owned()),
            "packet" => case.packet = hex(value),
            "context" => case.context = hex(value),
            "layer" => case.layer = Layer::Network,
            "budget" => case.insns_max = Some(value.parse().expect("a number")),
            "repeat" => case.repeat = value.parse().expect("a number"),
            "poison" => {
                let (slot, reason) = value.split_once(' ').expect("slot and reason");
                case.poisons.push(Poison {
                    insn: slot.parse().expect("a slot"),
                    reason: reason.to_owned(),
                });
            }
            "object" => case.objects.push(value.to_owned()),
            "fields" => {
                let (name, fields) = value.split_once(' ').expect("map, fields");
                case.fields.push((name.to_owned(), fields.to_owned()));
            }
            "settle" => case.settle = true,
            "map" => case.maps.push(map(value)),
            "entry" => {
                let (name, rest) = value.split_once(' ').expect("map, key = value");
                let (key, value) = rest.split_once('=').expect("map, key = value");
                case.entries.push((name.to_owned(), hex(key), hex(value)));
            }
            "kernel-stack" => case.stacks[0] = numbers(value),
            "user-stack" => case.stacks[1] = numbers(value),
            "socket" => case.sockets.push(socket(value)),
            "sk" => case.sk = Some(value.parse().expect("a cookie")),
            "sample" => {
                let (name, bytes) = value.split_once(" = ").expect("ring = bytes");
                let bytes = (bytes != "discarded").then(|| hex(bytes));
                case.samples.push((name.to_owned(), bytes));
            }
            "touch" => {
                let (name, rest) = value.split_once(' ').expect("arena, offset = bytes");
                let (offset, bytes) = rest.split_once(" = ").expect("arena, offset = bytes");
                let offset = offset.parse().expect("a number");
                case.touched.push((name.to_owned(), offset, hex(bytes)));
            }
            "argument" => case.arguments.push(owner(value)),
            "in-network" => {
                case.network.add_socket(in_network(value));
            }
            "owned-by" => case.owned = Some(value.parse().expect("a cookie")),
            "parameter" => {
                let words: Vec<_> = value.split_whitespace().collect();
                case.parameter = Some(Parameter {
                    name: words[0].to_owned(),
                    value: words[1].into(),
                    new_value: words.get(2).map(|&word| word.into()),
                });
            }
            "attached" => {
                let (group, attach) = value.split_once(' ').expect("group and attach type");
                case.attached = Some(GroupKey {
                    group: group.parse().expect("a number"),
                    attach: attach.parse().expect("a number"),
                });
            }
            "cgroups" => case.cgroups = numbers(value),
            "slot" => {
                let words: Vec<_> = value.split_whitespace().collect();
                let number = |at: usize| words[at].parse::<u32>().expect("a number");
                case.slots
                    .push((words[0].to_owned(), number(1), number(2) as usize));
            }
            _ => {}
        }
    }
    case
}

impl Case {
    /// Builds the types of objects and values, and tells the maps theirs.
    fn types(&mut self) -> Arc<Btf> {
        let bytes = |name: &str| {
            let map = self.maps.iter().find(|map| map.name == name);
            map.expect("a map of the case").value_size
        };
        let values: Vec<_> = (self.fields.iter())
            .map(|(name, fields)| (bytes(name), fields.clone()))
            .collect();
        let types = special::types(&self.objects, &values);
        for ((name, _), value) in self.fields.iter().zip(types.values) {
            let map = self.maps.iter_mut().find(|map| map.name == *name);
            map.expect("a map of the case").btf = Some(MapBtf {
                btf: Arc::clone(&types.btf),
                key: None,
                value: Some(value),
            });
        }
        types.btf
    }
}

fn numbers(text: &str) -> Vec<u64> {
    let words = text.split_whitespace();
    words
        .map(|word| u64::from_str_radix(word, 16).expect("a hexadecimal number"))
        .collect()
}

/// `name kind key value entries [flags]`
fn map(text: &str) -> MapSpec {
    let words: Vec<_> = text.split_whitespace().collect();
    let number = |at: usize| words[at].parse::<u32>().expect("a number");
    let kind = MapKind::from_name(words[1]).expect("a map kind");
    let mut spec = MapSpec::new(words[0], kind, number(2), number(3), number(4));
    if words.len() > 5 {
        spec.flags = MapFlags(number(5));
    }
    if OwnerKind::of(kind).is_some() {
        spec.btf = Some(types(spec.value_size));
    }
    spec
}

/// The types local storages want: an int, and bytes.
fn types(value_bytes: u32) -> MapBtf {
    let mut btf = BtfBuilder::new();
    let int = btf.int("int", 4, Int::SIGNED);
    let byte = btf.int("char", 1, Int::SIGNED);
    let value = btf.array(byte, int, value_bytes);
    MapBtf {
        btf: Arc::new(btf.build(Endian::NATIVE).expect("right types")),
        key: Some(int),
        value: Some(value),
    }
}

/// `tcp listen ADDRESS PORT`, `tcp ADDRESS PORT ADDRESS PORT`, `udp ADDRESS PORT`; then `full` for a
/// listener that more ask than it can remember.
fn in_network(text: &str) -> Socket {
    let words: Vec<_> = text.split_whitespace().collect();
    let end = |at: usize| {
        let address = words[at].parse().expect("an address");
        (address, words[at + 1].parse().expect("a port"))
    };
    match words[..2] {
        ["tcp", "listen"] => Socket {
            overflows: words.last() == Some(&"full"),
            ..Socket::listener(end(2).0, end(2).1)
        },
        ["tcp", _] => Socket::connection(end(1), end(3)),
        ["udp", _] => Socket::datagrams(end(1).0, end(1).1),
        _ => panic!("no kind of socket: {text}"),
    }
}

/// `task 7`: a kind of owner and its number.
fn owner(text: &str) -> (OwnerKind, u64) {
    let (kind, number) = text.split_once(' ').expect("kind and number");
    let kind = match kind {
        "task" => OwnerKind::Task,
        "cgroup" => OwnerKind::Cgroup,
        "inode" => OwnerKind::Inode,
        "socket" => OwnerKind::Socket,
        _ => panic!("no kind of owner: {kind}"),
    };
    (kind, number.parse().expect("a number"))
}

/// Everything in a map that is not zero.
fn show_map(map: &Map, text: &mut String) {
    let name = &map.spec().name;
    map.drain(&mut |record| {
        writeln!(text, "{name} record:{}", show(&record.bytes)).unwrap();
    });
    if matches!(
        map.spec().kind,
        MapKind::ProgArray | MapKind::Ringbuf | MapKind::PerfEventArray
    ) {
        return;
    }
    let mut key = map.next_key_outside(None).ok();
    while let Some(now) = key {
        if let Ok(value) = map.lookup_outside(&now)
            && value.iter().any(|&byte| byte != 0)
        {
            writeln!(
                text,
                "{name}[{}] ={}",
                show(&now).trim_start(),
                show(&value)
            )
            .unwrap();
        }
        key = map.next_key_outside(Some(&now)).ok();
    }
}

/// `7 tcp established [group]`: cookie, protocol, state, group that shares a port.
fn socket(text: &str) -> Socket {
    let words: Vec<_> = text.split_whitespace().collect();
    let cookie = words[0].parse().expect("a cookie");
    let state = match words[2] {
        "established" => state::ESTABLISHED,
        "listen" => state::LISTEN,
        _ => state::CLOSE,
    };
    let mut socket = match words[1] {
        "tcp" => Socket::tcp(cookie, state),
        _ => Socket {
            state,
            ..Socket::udp(cookie, 53)
        },
    };
    socket.reuseport = words.get(3).map(|group| group.parse().expect("a number"));
    socket
}

/// What the process finds where it touched an arena.
fn show_arena(map: &Map, touched: &[(String, u64, Vec<u8>)], text: &mut String) {
    let Some(arena) = map.arena() else {
        return;
    };
    let name = &map.spec().name;
    writeln!(text, "{name} has {} pages", arena.len()).unwrap();
    for (_, offset, bytes) in touched.iter().filter(|(arena, ..)| arena == name) {
        let mut now = vec![0; bytes.len()];
        arena.read(*offset, &mut now).expect("in the arena");
        writeln!(text, "{name} {offset}:{}", show(&now)).unwrap();
    }
}

/// What a local storage has for the owners of the case.
fn show_storage(map: &Map, owners: &[(OwnerKind, u64)], text: &mut String) {
    let kind = OwnerKind::of(map.spec().kind);
    for (_, number) in owners.iter().filter(|(owner, _)| Some(*owner) == kind) {
        let key = (*number as u32).to_ne_bytes();
        let (name, value) = (&map.spec().name, map.lookup_outside(&key));
        match value {
            Ok(value) => writeln!(text, "{name}[{number}] ={}", show(&value)).unwrap(),
            Err(errno) => writeln!(text, "{name}[{number}]: {errno:?}").unwrap(),
        }
    }
}

/// The kernel functions that instructions call.
fn kfuncs(slots: &[Slot]) -> Vec<KfuncRef> {
    let called = |(at, insn)| match insn {
        Insn::Call(Callee::Kfunc { id, .. }) => Some(KfuncRef {
            insn: at as u32,
            name: kfunc::ALL[id as usize - 1].name.to_owned(),
        }),
        _ => None,
    };
    let decoded = (0..slots.len()).filter_map(|at| Some((at, decode(slots, at).ok()?)));
    decoded.filter_map(called).collect()
}

fn prepare(
    input: &str,
    case: &Case,
    maps: &[Arc<Map>],
    btf: &Arc<Btf>,
) -> Result<Arc<Code>, String> {
    let assembly = osmia_isa::assemble(input, &Known(&case.maps)).map_err(|errors| {
        errors
            .iter()
            .map(|error| format!("{error}\n"))
            .collect::<String>()
    })?;
    let program = Program::new(ProgramParts {
        name: "test".to_owned(),
        section: String::new(),
        hook: Hook {
            kind: case.kind,
            attach: case.attach,
            target: None,
        },
        flags: ProgramFlags::default(),
        license: case.license.clone().unwrap_or_default(),
        kernel_version: 0,
        autoload: true,
        kfuncs: kfuncs(&assembly.slots),
        insns: assembly.slots,
        maps: Vec::new(),
        functions: Vec::new(),
        debug: Some(DebugInfo {
            btf: Arc::clone(btf),
            funcs: Vec::new(),
            lines: Vec::new(),
        }),
        poisons: case.poisons.clone(),
    })
    .map_err(|error| format!("layout: {error}\n"))?;
    let program = Arc::new(program);
    let permitted = match case.license {
        Some(_) => osmia_vm::check_helpers(&program),
        None => Ok(()),
    };
    permitted
        .and_then(|()| Code::prepare(&program, maps))
        .map_err(|error| error.to_diagnostic().to_text(osmia_diag::Paint::Plain))
}

fn run(input: &str) -> String {
    let mut case = parse(input);
    let btf = case.types();
    let case = case;
    let runs = Arc::new(Runs::new(CPUS));
    let mut maps = Vec::new();
    for spec in &case.maps {
        match Map::create(spec, &runs) {
            Ok(map) => {
                if let Some(events) = map.perf_events() {
                    events.open_all();
                }
                maps.push(Arc::new(map));
            }
            Err(error) => return format!("{error}\n"),
        }
    }
    let named = |name: &str| {
        let index = case.maps.iter().position(|map| map.name == name);
        &maps[index.expect("a map of the case")]
    };
    let mut context = case.context.clone();
    for (kind, number) in &case.arguments {
        let address = runs.owners().find_or_make(&runs, *kind, *number);
        context.extend(address.expect("memory").to_ne_bytes());
    }
    for socket in &case.sockets {
        socket.clone().open(&runs).expect("memory");
    }
    if let Some(key) = case.attached {
        for storage in maps.iter().filter_map(|map| map.group_storage()) {
            storage.attach(key).expect("memory");
        }
    }
    for (name, key, value) in &case.entries {
        named(name)
            .update_outside(key, value, UpdateMode::Any)
            .expect("an entry the map takes");
    }
    for (name, offset, bytes) in &case.touched {
        let arena = named(name).arena().expect("an arena");
        arena.write(*offset, bytes).expect("in the arena");
    }
    for (name, bytes) in &case.samples {
        let ring = named(name).user_ringbuf().expect("a ring");
        let len = bytes.as_ref().map_or(8, Vec::len);
        let place = ring.reserve(len as u32).expect("room");
        match bytes {
            Some(bytes) => {
                ring.fill(&place, 0, bytes);
                ring.submit(place);
            }
            None => ring.discard(place),
        }
    }
    let mut codes = Vec::new();
    for part in input.split("\n++++\n") {
        match prepare(part, &case, &maps, &btf) {
            Ok(code) => codes.push(code),
            Err(text) => return text,
        }
    }
    for (name, index, program) in &case.slots {
        named(name)
            .set_program(*index, Arc::clone(&codes[*program]))
            .expect("a slot of the map");
    }
    let code = Arc::clone(&codes[0]);
    let mut env = Environment::repeatable(1);
    let [kernel_stack, user_stack] = case.stacks;
    env.event.kernel_stack = kernel_stack;
    env.event.user_stack = user_stack;
    env.task.cgroups = case.cgroups;
    env.network = Arc::new(case.network);
    env.types = Some(Arc::clone(&btf));
    env.event.socket = case.owned;
    env.event.parameter = case.parameter;
    if let Some(insns_max) = case.insns_max {
        env.insns_max = insns_max;
    }
    let mut machine = Machine::among(&runs, env).expect("memory");
    machine.attached(case.attached);
    if let Err(error) = machine.input(
        Role {
            kind: case.kind,
            attach: case.attach,
        },
        &case.packet,
        &context,
        case.layer,
    ) {
        return error.to_diagnostic().to_text(osmia_diag::Paint::Plain);
    }
    if let Some(cookie) = case.sk {
        let socket = runs.owners().find(OwnerKind::Socket, cookie);
        assert!(machine.point("sk", socket.expect("a socket of the case")));
    }
    let mut context_before = vec![0; machine.world().context.len()];
    let block = machine.world().context.block().clone();
    block.read(0, 0, &mut context_before);
    let mut text = String::new();
    for _ in 0..case.repeat {
        match machine.run(&code) {
            Ok(outcome) => writeln!(
                text,
                "r0 = {:#x} after {} instructions",
                outcome.value, outcome.insns
            )
            .unwrap(),
            Err(trap) => {
                text.push_str(&trap.to_diagnostic().to_text(osmia_diag::Paint::Plain));
                text.push('\n');
            }
        }
        if case.settle
            && let Err(trap) = machine.settle(100, std::time::Duration::ZERO)
        {
            text.push_str(&trap.to_diagnostic().to_text(osmia_diag::Paint::Plain));
        }
        for told in &machine.world().remote {
            writeln!(text, "remote: {told:?}").unwrap();
        }
        machine.drain(&mut |record| {
            match &record.source {
                RecordSource::Trace => {
                    write!(text, "trace: {:?}", String::from_utf8_lossy(&record.bytes))
                }
                RecordSource::Stream { error } => {
                    let to = if *error { "errors" } else { "output" };
                    write!(text, "{to}: {:?}", String::from_utf8_lossy(&record.bytes))
                }
                RecordSource::Ringbuf(map) => write!(text, "ringbuf {map}:{}", show(&record.bytes)),
                RecordSource::PerfEvent(map) => write!(text, "perf {map}:{}", show(&record.bytes)),
            }
            .unwrap();
            text.push('\n');
        });
    }
    let mut packet = Vec::new();
    machine.world().packet.copy_to(&mut packet);
    if packet != case.packet {
        writeln!(text, "packet:{}", show(&packet)).unwrap();
    }
    let mut context = vec![0; machine.world().context.len()];
    machine.world().context.block().read(0, 0, &mut context);
    if context != context_before {
        writeln!(text, "context:{}", show(&context)).unwrap();
    }
    for map in &maps {
        show_map(map, &mut text);
        show_arena(map, &case.touched, &mut text);
        show_storage(map, &case.arguments, &mut text);
        map.clear_slots();
    }
    machine.redirected(&mut |redirected| {
        let flags = redirected.flags;
        writeln!(text, "redirect: {:?} flags {flags}", redirected.target).unwrap();
        if let Some(copy) = redirected.copy {
            writeln!(text, "copy:{}", show(&copy)).unwrap();
        }
    });
    text
}

#[test]
fn every_file_gives_what_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
    let bless = std::env::var_os("BLESS").is_some();
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the folder exists")
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    let mut failed = Vec::new();
    for path in &paths {
        let text = fs::read_to_string(path).expect("readable");
        let mut expected = String::new();
        // A file holds any number of cases, each an input, a dashed line and an output, with a
        // line of `====` between them.
        for case in text.split("\n====\n") {
            let input = case.split("\n----\n").next().expect("at least one part");
            let output = run(input);
            if !expected.is_empty() {
                expected.push_str("\n====\n");
            }
            write!(
                expected,
                "{}\n----\n{}",
                input.trim_end(),
                output.trim_end()
            )
            .unwrap();
        }
        expected.push('\n');
        if bless {
            fs::write(path, &expected).expect("writable");
        } else if expected != text {
            let name = path
                .file_name()
                .expect("a file")
                .to_string_lossy()
                .into_owned();
            failed.push(format!("{name}:\n{expected}"));
        }
    }
    assert!(!paths.is_empty());
    assert!(
        failed.is_empty(),
        "{} of {} files differ (BLESS=1 rewrites them):\n{}",
        failed.len(),
        paths.len(),
        failed.join("\n")
    );
}

/// The example of a page under `docs/diagnostics` gives the text that stands below it.
#[test]
fn pages_say_what_happens() {
    const INPUT: &str = "```vm run\n";
    const OUTPUT: &str = "\n```\n\n```text\n";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/diagnostics");
    let bless = std::env::var_os("BLESS").is_some();
    let mut pages = 0;
    for entry in fs::read_dir(folder).expect("the folder exists") {
        let path = entry.expect("readable").path();
        let text = fs::read_to_string(&path).expect("readable");
        let Some((before, rest)) = text.split_once(INPUT) else {
            continue;
        };
        pages += 1;
        let (input, rest) = rest.split_once(OUTPUT).expect("an output below the input");
        let (_, after) = rest.split_once("```\n").expect("the end of the output");
        let output = run(input);
        let code = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        assert!(output.contains(&format!("[{code}]")), "{code}: {output}");
        let output = output.trim_end();
        let expected = format!("{before}{INPUT}{input}{OUTPUT}{output}\n```\n{after}");
        if bless {
            fs::write(&path, &expected).expect("writable");
        } else {
            assert_eq!(text, expected, "{code}: BLESS=1 rewrites it");
        }
    }
    assert!(pages > 0, "no page has an example");
}
