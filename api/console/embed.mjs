// Makes one C++ source of the built console, with the definition of find_console_file() (api/console_files.h):
//   node embed.mjs DIST OUT
// Files that gain by it are there compressed as well, in OUT. The assembler takes the bytes in as they are,
// which costs no compile time; a hash of each in the source makes a changed file a changed source.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";

const types = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

const [dist, out] = process.argv.slice(2).map((path) => resolve(path));
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

function filesUnder(folder, prefix = "") {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${prefix}/${entry.name}`;
      return entry.isDirectory() ? filesUnder(join(folder, entry.name), path) : [path];
    });
}

const symbols = [];

// A symbol for the bytes of a file, and what stands for them in C++; an empty file has none.
function embed(path) {
  const bytes = readFileSync(path);
  if (bytes.length === 0) return '""';
  const name = `mintmark_console_${symbols.length}`;
  symbols.push({ name, path, hash: createHash("sha256").update(bytes).digest("hex") });
  return `std::string_view(${name}, ${bytes.length})`;
}

function compress(path, index) {
  const bytes = readFileSync(path);
  const compressed = gzipSync(bytes, { level: 9 });
  if (compressed.length >= bytes.length) return '""';
  const target = join(out, `${index}.gz`);
  writeFileSync(target, compressed);
  return embed(target);
}

const entries = filesUnder(dist).map((path, index) => {
  const type = types[extname(path)];
  if (!type) throw new Error(`no content type is known for ${path}`);
  const file = join(dist, path);
  return `    {"${path}", "${type}", ${embed(file)}, ${compress(file, index)}},`;
});

const assembly = symbols.map(
  ({ name, path, hash }) => `// ${hash}
__asm__(".section .rodata\\n.global ${name}\\n${name}:\\n.incbin \\"${path}\\"\\n.text\\n");
extern "C" const char ${name}[];`,
);

const source = `#include "api/console_files.h"

#include <algorithm>
#include <array>

${assembly.join("\n")}

namespace mintmark {
namespace {

const std::array<ConsoleFile, ${entries.length}> files = {{
${entries.join("\n")}
}};

}  // namespace

const ConsoleFile* find_console_file(std::string_view path) {
  const auto found = std::ranges::find(files, path, &ConsoleFile::path);
  return found == files.end() ? nullptr : &*found;
}

}  // namespace mintmark
`;
writeFileSync(join(out, "console_files.cc"), source);
