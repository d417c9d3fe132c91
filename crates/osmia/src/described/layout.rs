//! Descriptions laid out by types: tables become structures, nested pointers further objects.
//!
//! Everything here may be wrong at once: complaints are collected, and what was described wrongly
//! stays zero.

use std::ops::Range;

use osmia_btf::value::{Spot, lookup_path, put};
use osmia_btf::{Body, Btf, FwdKind, Kind, TypeId, describe};
use osmia_diag::{Code, Diagnostic};
use osmia_program::{Image, Pointer, Scene, UserMemory};

use super::text::{Text, nearest};
use super::tree::{Entry, Node, Tree};
use crate::codes;

/// Where the memory of the process begins that nobody gave an address.
const USER_START: u64 = 0x7f00_0000_0000;
/// Bytes of a page.
const PAGE: u64 = 4096;

/// What a value is written into.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Buffer {
    Context,
    Image(usize),
    User(usize),
}

/// The place of a value.
#[derive(Copy, Clone, Debug)]
pub(super) struct Place {
    pub(super) buffer: Buffer,
    pub(super) spot: Spot,
}

impl Place {
    /// A value of this type so many bytes into a buffer.
    pub(super) fn at(buffer: Buffer, bytes: usize, ty: TypeId) -> Self {
        Self {
            buffer,
            spot: Spot {
                ty,
                bit_offset: bytes as u64 * 8,
                bitfield_bits: 0,
            },
        }
    }

    fn byte(&self) -> usize {
        self.spot.byte_offset() as usize
    }
}

/// What a description is becoming.
pub(super) struct Builder<'a> {
    pub(super) text: &'a Text,
    /// Types of the kernel.
    pub(super) kernel: Option<&'a Btf>,
    /// The context.
    pub(super) context: Vec<u8>,
    /// The packet, or whatever else a context has the bounds of.
    pub(super) data: Vec<u8>,
    /// Everything else.
    pub(super) scene: Scene,
    /// What is wrong.
    pub(super) problems: Vec<Diagnostic>,
    /// `[objects]`: what is there to refer to, and which image it became.
    objects: Vec<(&'a Entry, Option<usize>)>,
    user_next: u64,
}

impl<'a> Builder<'a> {
    pub(super) fn new(text: &'a Text, kernel: Option<&'a Btf>) -> Self {
        Self {
            text,
            kernel,
            context: Vec::new(),
            data: Vec::new(),
            scene: Scene::default(),
            problems: Vec::new(),
            objects: Vec::new(),
            user_next: USER_START,
        }
    }

    /// Complains.
    pub(super) fn complain(
        &mut self,
        code: Code,
        span: &Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> &mut Diagnostic {
        self.problems
            .push(self.text.complaint(code, span, message, label));
        self.problems.last_mut().expect("one was just added")
    }

    /// Complains about a name that means nothing here.
    pub(super) fn unknown<'n>(
        &mut self,
        entry: &Entry,
        what: &str,
        known: impl IntoIterator<Item = &'n str> + Clone,
    ) {
        let near = nearest(&entry.name, known.clone());
        let message = format!("{what} has no `{}`", entry.name);
        let problem = self.complain(codes::CTX_NAME, &entry.span, message, "unknown name");
        match near {
            Some(near) => problem.help.push(format!("did you mean `{near}`?")),
            None => {
                let names: Vec<&str> = known.into_iter().take(40).collect();
                if !names.is_empty() {
                    problem
                        .notes
                        .push(format!("known are {}", names.join(", ")));
                }
            }
        }
    }

    /// Complains about a value.
    pub(super) fn wrong(&mut self, node: &Node, message: impl Into<String>, expected: &str) {
        let label = format!("expected {expected}");
        self.complain(codes::CTX_VALUE, &node.span, message, label);
    }

    /// Takes the objects that values may refer to by `&name`.
    pub(super) fn declare_objects(&mut self, node: &'a Node) {
        match &node.value {
            Tree::Table(entries) => {
                self.objects = entries.iter().map(|entry| (entry, None)).collect();
            }
            _ => self.wrong(node, "objects are not described so", "a table of objects"),
        }
    }

    pub(super) fn bytes(&mut self, buffer: Buffer) -> &mut Vec<u8> {
        match buffer {
            Buffer::Context => &mut self.context,
            Buffer::Image(index) => &mut self.scene.images[index].bytes,
            Buffer::User(index) => &mut self.scene.user[index].bytes,
        }
    }

    /// A new object of so many zeroes.
    pub(super) fn image(&mut self, name: impl Into<String>, bytes: usize) -> usize {
        self.scene.images.push(Image {
            name: name.into(),
            bytes: vec![0; bytes],
            ..Image::default()
        });
        self.scene.images.len() - 1
    }

    /// A new piece of the process' memory.
    pub(super) fn user(&mut self, name: &str, bytes: Vec<u8>) -> usize {
        let address = self.user_next;
        // A page between any two: running over the end of one is not the other.
        self.user_next += (bytes.len() as u64).next_multiple_of(PAGE).max(PAGE) + PAGE;
        self.scene.user.push(UserMemory {
            name: name.to_owned(),
            address,
            bytes,
        });
        self.scene.user.len() - 1
    }

    /// Makes eight bytes of a buffer the address of an image.
    pub(super) fn point(&mut self, buffer: Buffer, at: usize, image: usize) {
        let pointer = Pointer {
            at,
            image,
            offset: 0,
        };
        match buffer {
            Buffer::Context => self.scene.pointers.push(pointer),
            Buffer::Image(index) => self.scene.images[index].pointers.push(pointer),
            // The process knows no addresses of the kernel.
            Buffer::User(_) => {}
        }
    }

    /// Writes a value of any type.
    pub(super) fn value(&mut self, btf: &'a Btf, place: Place, node: &'a Node) {
        let ty = btf.resolve(place.spot.ty);
        match (ty.body(), &node.value) {
            (Body::Ptr(target), _) => self.pointer(btf, place, target, node),
            (Body::Struct(_) | Body::Union(_), Tree::Table(entries)) => {
                self.members(btf, place, entries, &[]);
            }
            (Body::Struct(composite) | Body::Union(composite), _) => {
                if let ("qstr", Tree::Text(name)) = (ty.name(), &node.value) {
                    return self.qstr(btf, place, name);
                }
                if let ("path", Tree::Text(path)) = (ty.name(), &node.value) {
                    return self.path(btf, place, path, node);
                }
                // `kuid_t`, `atomic_t`: what is in them stands for them.
                if let (Some(only), 1) = (composite.member(0), composite.len()) {
                    let mut inner = place;
                    inner.spot.ty = only.ty;
                    return self.value(btf, inner, node);
                }
                let message = format!("{} is {}", node.value.what(), describe(btf, ty.id()));
                self.wrong(node, message, "a table of its members");
            }
            (Body::Array(array), _) => self.array(btf, place, array, node),
            _ => self.scalar(btf, place, node),
        }
    }

    fn scalar(&mut self, btf: &Btf, place: Place, node: &Node) {
        let Some(text) = node.scalar_text() else {
            let message = format!(
                "{} is no value of {}",
                node.value.what(),
                describe(btf, place.spot.ty)
            );
            return self.wrong(node, message, "a number, or a name of one");
        };
        let text = match (&node.value, network_order(btf, place.spot.ty, &text)) {
            (Tree::Text(_), Some(converted)) => converted,
            _ => text,
        };
        let written = put(btf, place.spot, &text, self.bytes(place.buffer));
        if let Err(error) = written {
            let label = error.to_string();
            self.complain(
                codes::CTX_VALUE,
                &node.span,
                "this value does not fit",
                label,
            );
        }
    }

    /// Writes members of a structure; names in `others` mean something else.
    pub(super) fn members(
        &mut self,
        btf: &'a Btf,
        place: Place,
        entries: &'a [Entry],
        others: &[&str],
    ) {
        for entry in entries {
            if others.contains(&entry.name.as_str()) {
                continue;
            }
            let plain = !entry.name.contains(['.', '[', ']']);
            match lookup_path(btf, place.spot.ty, &entry.name) {
                Ok(inner) if plain => {
                    let spot = Spot {
                        bit_offset: place.spot.bit_offset + inner.bit_offset,
                        ..inner
                    };
                    self.value(btf, Place { spot, ..place }, &entry.value);
                }
                _ => {
                    let names = member_names(btf, place.spot.ty);
                    let what = describe(btf, btf.resolve(place.spot.ty).id());
                    self.unknown(entry, &what, names.iter().map(String::as_str));
                }
            }
        }
    }

    fn array(&mut self, btf: &'a Btf, place: Place, array: osmia_btf::Array, node: &'a Node) {
        let element = btf.resolve(array.element);
        let size = btf.size_of(array.element).unwrap_or(0) as usize;
        let start = place.byte();
        let one_byte = size == 1 && element.kind() == Kind::Int;
        let have = self.bytes(place.buffer).len().saturating_sub(start);
        let room = match array.len {
            0 => usize::MAX,
            len => have.min(len as usize * size),
        };
        match &node.value {
            Tree::List(items) => {
                if items.len().saturating_mul(size) > room {
                    let message = format!("{} elements are too many", items.len());
                    return self.wrong(node, message, &format!("at most {}", room / size.max(1)));
                }
                self.grow(place.buffer, start + items.len() * size);
                for (index, item) in items.iter().enumerate() {
                    let at = Place::at(place.buffer, start + index * size, array.element);
                    self.value(btf, at, item);
                }
            }
            Tree::Text(text) if one_byte => {
                let bytes = match raw_bytes(text) {
                    Ok(bytes) => bytes,
                    Err(message) => return self.wrong(node, message, "pairs of digits"),
                };
                if bytes.len() > room {
                    let message = format!("{} bytes are too many", bytes.len());
                    return self.wrong(node, message, &format!("at most {room}"));
                }
                self.grow(place.buffer, start + bytes.len());
                self.bytes(place.buffer)[start..start + bytes.len()].copy_from_slice(&bytes);
            }
            Tree::Text(text) => match (text.parse::<std::net::Ipv6Addr>(), room) {
                (Ok(address), 16..) => {
                    self.bytes(place.buffer)[start..start + 16].copy_from_slice(&address.octets());
                }
                _ => {
                    let ty = describe(btf, place.spot.ty);
                    self.wrong(node, format!("text is no {ty}"), "a list of its elements");
                }
            },
            other => {
                let message = format!("{} is no {}", other.what(), describe(btf, place.spot.ty));
                let expected = if one_byte {
                    "text or a list"
                } else {
                    "a list of its elements"
                };
                self.wrong(node, message, expected);
            }
        }
    }

    /// Flexible arrays make their object longer.
    fn grow(&mut self, buffer: Buffer, bytes: usize) {
        let buffer = self.bytes(buffer);
        if buffer.len() < bytes {
            buffer.resize(bytes, 0);
        }
    }

    fn pointer(&mut self, btf: &'a Btf, place: Place, target: TypeId, node: &'a Node) {
        let tags = btf.type_tags(target);
        let is_users = tags.contains(&"user");
        match &node.value {
            Tree::Text(name) if name.starts_with('&') => {
                if let Some(image) = self.object(&name[1..], node) {
                    self.point(place.buffer, place.byte(), image);
                }
            }
            Tree::Table(entries) if matches!(entries.as_slice(), [only] if only.name == "user") => {
                let address = self.user_value(btf, target, &entries[0].value);
                self.address(place, address);
            }
            Tree::Text(_) | Tree::List(_) | Tree::Table(_) if is_users => {
                let address = self.user_value(btf, target, node);
                self.address(place, address);
            }
            Tree::Text(_) | Tree::List(_) | Tree::Table(_) => {
                if let Some(Buffer::Image(image)) = self.pointee(btf, target, node, Whose::Kernel) {
                    self.point(place.buffer, place.byte(), image);
                }
            }
            _ => self.scalar(btf, place, node),
        }
    }

    /// Makes an object of the kernel that something points to.
    pub(super) fn described(&mut self, btf: &'a Btf, ty: TypeId, node: &'a Node) -> Option<usize> {
        if let Tree::Text(name) = &node.value
            && let Some(name) = name.strip_prefix('&')
        {
            return self.object(name, node);
        }
        match self.pointee(btf, ty, node, Whose::Kernel) {
            Some(Buffer::Image(image)) => Some(image),
            _ => None,
        }
    }

    /// Writes eight bytes that have no type: a number, or the address of text in the kernel or, as
    /// `{ user = … }`, in the process.
    pub(super) fn untyped(&mut self, buffer: Buffer, at: usize, node: &'a Node) {
        self.word(buffer, at, node, Whose::Kernel);
    }

    /// The same, with text in the process.
    pub(super) fn untyped_users(&mut self, buffer: Buffer, at: usize, node: &'a Node) {
        self.word(buffer, at, node, Whose::Process);
    }

    fn word(&mut self, buffer: Buffer, at: usize, node: &'a Node, whose: Whose) {
        let number = match &node.value {
            Tree::Null => Some(0),
            Tree::Bool(value) => Some(i128::from(*value)),
            Tree::Integer(value) => Some(*value),
            Tree::Text(text) if text.starts_with("0x") => super::fields::parse_number(text),
            _ => None,
        };
        let place = Place::at(buffer, at, TypeId::VOID);
        if let Some(number) = number {
            let fits = i64::try_from(number).is_ok() || u64::try_from(number).is_ok();
            if !fits {
                return self.wrong(
                    node,
                    format!("{number} does not fit eight bytes"),
                    "a number",
                );
            }
            return self.address(place, number as u64);
        }
        let (node, whose) = match node.entry("user") {
            Some(entry) => (&entry.value, Whose::Process),
            None => (node, whose),
        };
        if let Tree::Text(name) = &node.value
            && let Some(name) = name.strip_prefix('&')
        {
            if let Some(image) = self.object(name, node) {
                self.point(buffer, at, image);
            }
            return;
        }
        let known = self.kernel.filter(|_| node.entry("as").is_some());
        let text = match &node.value {
            Tree::Text(text) => raw_bytes(text).map(|mut bytes| {
                if !text.starts_with(HEX) {
                    bytes.push(0);
                }
                bytes
            }),
            Tree::Table(_) if known.is_some() => Ok(Vec::new()),
            _ => Err(format!("{} is not what this takes", node.value.what())),
        };
        let made = match (known, text) {
            (Some(btf), Ok(_)) => self.pointee(btf, TypeId::VOID, node, whose),
            (None, Ok(bytes)) => Some(self.memory("string", bytes, whose)),
            (_, Err(message)) => {
                return self.wrong(node, message, "a number, text, or a table with its type");
            }
        };
        match made {
            Some(Buffer::Image(image)) => self.point(buffer, at, image),
            Some(Buffer::User(index)) => self.address(place, self.scene.user[index].address),
            _ => {}
        }
    }

    /// New memory of the kernel or the process.
    fn memory(&mut self, name: &str, bytes: Vec<u8>, whose: Whose) -> Buffer {
        match whose {
            Whose::Process => Buffer::User(self.user(name, bytes)),
            Whose::Kernel => {
                let image = self.image(name, 0);
                self.scene.images[image].bytes = bytes;
                Buffer::Image(image)
            }
        }
    }

    /// Writes a number as an address.
    pub(super) fn address(&mut self, place: Place, address: u64) {
        let at = place.byte();
        if let Some(bytes) = self.bytes(place.buffer).get_mut(at..at + 8) {
            bytes.copy_from_slice(&address.to_ne_bytes());
        }
    }

    /// Puts a value into the memory of the process; its address.
    pub(super) fn user_value(&mut self, btf: &'a Btf, target: TypeId, node: &'a Node) -> u64 {
        match self.pointee(btf, target, node, Whose::Process) {
            Some(Buffer::User(index)) => self.scene.user[index].address,
            _ => 0,
        }
    }

    /// Makes what a pointer to `target` points to.
    fn pointee(
        &mut self,
        btf: &'a Btf,
        target: TypeId,
        node: &'a Node,
        whose: Whose,
    ) -> Option<Buffer> {
        let (btf, target) = match node.entry("as") {
            Some(entry) => self.named_type(btf, &entry.value)?,
            None => self.definition(btf, target),
        };
        let ty = btf.resolve(target);
        let name = match ty.name() {
            "" => "memory",
            name => name,
        };
        let size = btf.size_of(target).unwrap_or(0) as usize;
        match &node.value {
            Tree::Text(text) => {
                let is_bytes = size <= 1 || ty.kind() == Kind::Void;
                if !is_bytes {
                    let message = format!("text is no {}", describe(btf, ty.id()));
                    self.wrong(
                        node,
                        message,
                        "a table of its members, or `&name` of an object",
                    );
                    return None;
                }
                match raw_bytes(text) {
                    Ok(mut bytes) => {
                        if !text.starts_with(HEX) {
                            bytes.push(0);
                        }
                        Some(self.memory("string", bytes, whose))
                    }
                    Err(message) => {
                        self.wrong(node, message, "pairs of digits");
                        None
                    }
                }
            }
            Tree::List(items) => {
                let stride = size.max(1);
                let buffer = self.memory(name, vec![0; items.len() * stride], whose);
                for (index, item) in items.iter().enumerate() {
                    self.value(btf, Place::at(buffer, index * stride, target), item);
                }
                Some(buffer)
            }
            Tree::Table(entries) => {
                if ty.composite().is_none() {
                    if let Some(value) = node.entry("value") {
                        let buffer = self.memory(name, vec![0; size], whose);
                        self.value(btf, Place::at(buffer, 0, target), &value.value);
                        return Some(buffer);
                    }
                    let message = format!("{} has no members", describe(btf, target));
                    self.wrong(node, message, "a type: { as = \"struct name\", … }");
                    return None;
                }
                let buffer = self.memory(name, vec![0; size], whose);
                self.members(btf, Place::at(buffer, 0, target), entries, &["as"]);
                Some(buffer)
            }
            _ => None,
        }
    }

    /// What a declaration without members stands for, where the kernel's types define it.
    fn definition(&self, btf: &'a Btf, target: TypeId) -> (&'a Btf, TypeId) {
        let ty = btf.resolve(target);
        let kind = match ty.body() {
            Body::Fwd(FwdKind::Struct) => Kind::Struct,
            Body::Fwd(FwdKind::Union) => Kind::Union,
            _ => return (btf, target),
        };
        [Some(btf), self.kernel]
            .into_iter()
            .flatten()
            .find_map(|btf| Some((btf, btf.find(ty.name(), kind)?)))
            .unwrap_or((btf, target))
    }

    /// A type named in a description: of these types, or of the kernel's.
    fn named_type(&mut self, btf: &'a Btf, node: &Node) -> Option<(&'a Btf, TypeId)> {
        let Tree::Text(name) = &node.value else {
            self.wrong(node, "this is no name of a type", "text");
            return None;
        };
        let found = [Some(btf), self.kernel]
            .into_iter()
            .flatten()
            .find_map(|btf| Some((btf, find_type(btf, name)?)));
        if found.is_none() {
            let message = format!("there is no type `{name}`");
            self.wrong(
                node,
                message,
                "a structure, union or typedef of the kernel's BTF",
            );
        }
        found
    }

    /// The image of an object by name; made when it is first asked for.
    pub(super) fn object(&mut self, name: &str, node: &Node) -> Option<usize> {
        match (name, self.scene.current, self.scene.registers) {
            ("task", Some(image), _) | ("regs", _, Some(image)) => return Some(image),
            _ => {}
        }
        let Some(position) = self
            .objects
            .iter()
            .position(|(entry, _)| entry.name == name)
        else {
            let known: Vec<&str> = self
                .objects
                .iter()
                .map(|(entry, _)| entry.name.as_str())
                .chain(["task"])
                .collect();
            let near = nearest(name, known.iter().copied()).map(str::to_owned);
            let message = format!("there is no object `{name}`");
            let problem = self.complain(codes::CTX_NAME, &node.span, message, "unknown object");
            problem.help.push(match near {
                Some(near) => format!("did you mean `&{near}`?"),
                None => format!("describe it as [objects.{name}]"),
            });
            return None;
        };
        let (entry, image) = self.objects[position];
        if image.is_some() {
            return image;
        }
        let Some(kernel) = self.kernel else {
            self.no_types(&entry.span);
            return None;
        };
        let Some(type_entry) = entry.value.entry("as") else {
            self.wrong(
                &entry.value,
                format!("object `{name}` has no type"),
                "as = \"struct name\"",
            );
            return None;
        };
        let (btf, ty) = self.named_type(kernel, &type_entry.value)?;
        let size = btf.size_of(ty).unwrap_or(0) as usize;
        let image = self.image(btf.resolve(ty).name(), size);
        self.scene.images[image].identity = Some(format!("&{name}"));
        // Known before its members are written: they may lead back to it.
        self.objects[position].1 = Some(image);
        if let Tree::Table(entries) = &entry.value.value {
            self.members(
                btf,
                Place::at(Buffer::Image(image), 0, ty),
                entries,
                &["as"],
            );
        }
        Some(image)
    }

    /// Makes the objects that nothing refers to, too: programs may look for them by number or kind.
    pub(super) fn make_objects(&mut self) {
        for position in 0..self.objects.len() {
            let (entry, image) = self.objects[position];
            if image.is_none() {
                self.object(&entry.name, &entry.value);
            }
        }
    }

    /// Complains that there is nothing to lay objects out by.
    pub(super) fn no_types(&mut self, span: &Range<usize>) {
        if self
            .problems
            .iter()
            .any(|problem| problem.code == codes::CTX_TYPES)
        {
            return;
        }
        let message = "there are no types of a kernel to lay this out by";
        self.complain(codes::CTX_TYPES, span, message, "needs them")
            .help
            .push("give some with `--btf FILE`".to_owned());
    }

    /// A name with its length, as directory entries have it.
    fn qstr(&mut self, btf: &'a Btf, place: Place, name: &str) {
        let image = self.image("string", 0);
        let mut bytes = name.as_bytes().to_vec();
        bytes.push(0);
        self.scene.images[image].bytes = bytes;
        if let Ok(spot) = lookup_path(btf, place.spot.ty, "name") {
            let at = (place.spot.bit_offset + spot.bit_offset) as usize / 8;
            self.point(place.buffer, at, image);
        }
        if let Ok(spot) = lookup_path(btf, place.spot.ty, "len") {
            let spot = Spot {
                bit_offset: place.spot.bit_offset + spot.bit_offset,
                ..spot
            };
            let written = put(btf, spot, &name.len().to_string(), self.bytes(place.buffer));
            debug_assert!(written.is_ok(), "a length fits");
        }
    }

    /// A `struct path` by its text: a directory entry for each part, up to the root.
    fn path(&mut self, btf: &'a Btf, place: Place, path: &str, node: &Node) {
        let Some(inner) = path.strip_prefix('/') else {
            return self.wrong(
                node,
                "this path has no beginning",
                "a path that starts with /",
            );
        };
        let Some(dentry) = btf.find("dentry", Kind::Struct) else {
            return self.no_types(&node.span);
        };
        let size = btf.size_of(dentry).unwrap_or(0) as usize;
        let member = |name| lookup_path(btf, dentry, name).ok();
        let (Some(parent), Some(own_name)) = (member("d_parent"), member("d_name")) else {
            return self.no_types(&node.span);
        };
        let mut above = None;
        for part in std::iter::once("/").chain(inner.split('/').filter(|part| !part.is_empty())) {
            let image = self.image("dentry", size);
            let buffer = Buffer::Image(image);
            self.qstr(
                btf,
                Place {
                    buffer,
                    spot: own_name,
                },
                part,
            );
            // The root is its own parent.
            self.point(
                buffer,
                parent.byte_offset() as usize,
                above.unwrap_or(image),
            );
            above = Some(image);
        }
        if let (Some(image), Ok(spot)) = (above, lookup_path(btf, place.spot.ty, "dentry")) {
            let at = (place.spot.bit_offset + spot.bit_offset) as usize / 8;
            self.point(place.buffer, at, image);
        }
    }
}

/// Whose memory is made.
#[derive(Copy, Clone)]
enum Whose {
    Kernel,
    Process,
}

/// What text begins with that stands for bytes.
pub(super) const HEX: &str = "hex:";

/// Text as bytes: `hex:` and digits, or the text itself.
pub(super) fn raw_bytes(text: &str) -> Result<Vec<u8>, String> {
    match text.strip_prefix(HEX) {
        Some(digits) => crate::hex::parse(digits),
        None => Ok(text.as_bytes().to_vec()),
    }
}

/// A type by its name in C: `struct file`, `file`, `u32`.
pub(super) fn find_type(btf: &Btf, name: &str) -> Option<TypeId> {
    let find = |name: &str, kinds: &[Kind]| kinds.iter().find_map(|kind| btf.find(name, *kind));
    match name.split_once(' ') {
        Some(("struct", name)) => find(name.trim(), &[Kind::Struct]),
        Some(("union", name)) => find(name.trim(), &[Kind::Union]),
        Some(("enum", name)) => find(name.trim(), &[Kind::Enum, Kind::Enum64]),
        _ => find(name, &[Kind::Struct, Kind::Union, Kind::Typedef, Kind::Int]),
    }
}

/// Text in the order of the network: an address or a number for `__be32` and `__be16`.
fn network_order(btf: &Btf, ty: TypeId, text: &str) -> Option<String> {
    let mut named = btf.type_at(ty);
    while !matches!(named.name(), "__be16" | "__be32") {
        named = btf.type_at(
            named
                .target()
                .filter(|_| named.kind() == Kind::Typedef || named.kind().is_modifier())?,
        );
    }
    if named.name() == "__be16" {
        return Some(text.parse::<u16>().ok()?.to_be().to_string());
    }
    let address = text.parse::<std::net::Ipv4Addr>().map(u32::from);
    let number = address.ok().or_else(|| text.parse().ok())?;
    Some(number.to_be().to_string())
}

/// Names of members, those of anonymous members included.
fn member_names(btf: &Btf, ty: TypeId) -> Vec<String> {
    let mut names = Vec::new();
    let mut waiting = vec![ty];
    while let Some(ty) = waiting.pop() {
        let Some(composite) = btf.resolve(ty).composite() else {
            continue;
        };
        for member in composite.members() {
            if member.name.is_empty() {
                waiting.push(member.ty);
            } else {
                names.push(member.name.to_owned());
            }
        }
    }
    names
}
