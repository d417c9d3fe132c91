//! Enumerations whose numbers and names are Linux's ABI: one row a value, everything else derived.

/// Declares an ABI enumeration: variant, number, name.
macro_rules! abi_enum {
    ($(#[$meta:meta])* $name:ident, $prefix:literal { $($variant:ident = $number:literal $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`, ", stringify!($number))] $variant = $number,)+
        }

        impl $name {
            /// Every value, by number.
            pub const ALL: &[$name] = &[$($name::$variant),+];
            /// What the kernel's enumerators start with.
            pub const PREFIX: &str = $prefix;

            /// The ABI number.
            pub const fn number(self) -> u32 {
                self as u32
            }

            /// The value with this ABI number.
            pub const fn from_number(number: u32) -> Option<$name> {
                match number {
                    $($number => Some($name::$variant),)+
                    _ => None,
                }
            }

            /// The kernel's name in lower case without its prefix, as bpftool prints it.
            pub const fn name(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)+
                }
            }

            /// The value of this name; upper case and the kernel's prefix are accepted.
            pub fn from_name(name: &str) -> Option<$name> {
                let lower = name.to_ascii_lowercase();
                let bare = lower.strip_prefix(&$prefix.to_ascii_lowercase()).unwrap_or(&lower);
                match bare {
                    $($text => Some($name::$variant),)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }
    };
}

pub(crate) use abi_enum;
