"""What is run on a machine to keep data there: POSIX shell, as every Linux and macOS has it.

$1 is the project; what follows it is of each script. Nothing here is secret.
"""

from __future__ import annotations

TAKEN, LACKS, DAMAGED = 4, 5, 6  # exit codes
BEGIN = b"mldeploy-data-begins\n"  # before it a host's start-up files may say something

# Others of the machine see nothing of it: the outermost folder is the user's alone. Inside it all
# may read: a container's user is another one.
OPEN = """\
umask 022; export LC_ALL=C
sum() { if command -v sha256sum > /dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }
alone() { if command -v flock > /dev/null; then exec 9> lock; flock -w 120 9 || exit 75; fi; }
base="${XDG_DATA_HOME:-$HOME/.local/share}/mldeploy"
mkdir -p "$base/data" && chmod 700 "$base/data" || exit 73
mkdir -p "$base/data/$1" && cd "$base/data/$1" || exit 73
mkdir -p objects versions drafts incoming trees copies || exit 73
shift
"""

FOLDER = f"{OPEN}pwd -P"

# $1 is a name, or nothing for all of them.
MANIFESTS = f"""{OPEN}
for each in versions/${{1:-*}}/*.json; do if [ -f "$each" ]; then cat "$each"; echo; fi; done
"""
COPY = f"""{OPEN}
if [ -f "copies/$1.json" ]; then touch "copies/$1.json"; cat "copies/$1.json"; fi
"""
NUMBERS = f"""{OPEN}if cd "versions/$1" 2> /dev/null; then ls; fi"""

# $1 is a digest; the manifest comes in by stdin.
DRAFT = f"""{OPEN}
find incoming -mindepth 1 -maxdepth 1 -mtime +7 -exec rm -rf {{}} + 2> /dev/null
cat > "incoming/$1.$$" && mv -f "incoming/$1.$$" "drafts/$1.json"
"""
# A removal that is at work now may be about to clear away what seems to be there.
LACKING = f"""{OPEN}
alone
sort -u > "incoming/wanted.$$"
ls objects | sort > "incoming/there.$$"
comm -23 "incoming/wanted.$$" "incoming/there.$$"
rm -f "incoming/wanted.$$" "incoming/there.$$"
"""

# Many small files, as a tar of hashes ($1 is a folder for it). A line that is cut leaves a file
# that is not whole; the others count.
UNPACK = f"""{OPEN}
mkdir -p "incoming/$1" && cd "incoming/$1" || exit 73
tar -xf - 2> /dev/null
said=$?
set -- *
if [ -f "$1" ]; then
  printf '%s\\n' * | sed 's/.*/&  &/' | sum -c 2> /dev/null | sed -n 's/: FAILED.*//p' |
    while read -r bad; do rm -f "$bad"; done
  set -- *
  if [ -f "$1" ]; then chmod 444 "$@" && mv -f "$@" ../../objects/ || exit 73; fi
fi
cd .. && rm -rf "${{OLDPWD##*/}}"
exit $said
"""

# One large file. $1 is its hash, $2 the name of what has arrived of it: the sender's own, as two
# may send the same. A writer that was cut off is ended first: what its line still held would come
# in between.
LOOK = f"""{OPEN}
if [ -f "objects/$1" ]; then echo whole; exit; fi
cd incoming
writer=$(cat "$2.writer" 2> /dev/null)
if [ "$writer" ] && [ "$(cat "/proc/$writer/comm" 2> /dev/null)" = cat ]; then
  kill -KILL "$writer" 2> /dev/null
  for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$writer" 2> /dev/null || break; sleep 0.1; done
fi
rm -f "$2.writer"
if [ -f "$2" ]; then wc -c < "$2"; else echo 0; fi
"""
APPEND = f"""{OPEN}
cd incoming
dd if=/dev/null of="$1" bs=1 seek="$2" 2> /dev/null
echo $$ > "$1.writer"
exec cat >> "$1"
"""
FINISH = f"""{OPEN}
if [ -f "objects/$1" ]; then exit 0; fi
rm -f "incoming/$2.writer"
found=$(sum "incoming/$2"); found=${{found%% *}}
if [ "$found" != "$1" ]; then rm -f "incoming/$2"; exit {DAMAGED}; fi
chmod 444 "incoming/$2" && mv -f "incoming/$2" "objects/$1"
"""
ROOM = f"""{OPEN}
df -Pk . | tail -1; touch .room && echo . > .room && rm -f .room || echo no space
"""

# $1 is the name, $2 the number, $3 the digest. The second of two who link to a name fails.
PUBLISH = f"""{OPEN}
mkdir -p "versions/$1" || exit 73
cat > "incoming/$3.$$" || exit 73
if [ -e "versions/$1/$2.removed" ]; then rm -f "incoming/$3.$$"; exit {TAKEN}; fi
if ! said=$(ln "incoming/$3.$$" "versions/$1/$2.json" 2>&1); then
  rm -f "incoming/$3.$$"
  if [ -e "versions/$1/$2.json" ]; then exit {TAKEN}; fi
  echo "$said" >&2; exit 73
fi
rm -f "incoming/$3.$$" "drafts/$3.json"
"""
# $1 is the digest: what came from elsewhere has no number here.
KEEP_COPY = f"""{OPEN}
cat > "incoming/$1.$$" && mv -f "incoming/$1.$$" "copies/$1.json" && rm -f "drafts/$1.json"
"""

# A folder of hard links, $1, as a job sees it. By stdin: `D - FOLDER`, then `F HASH PATH`, or
# `X HASH PATH` for what can be run: that one is a copy, as rights belong to the content. Each path
# has ./ before and / behind it: `read` takes spaces away at both ends. Python ($2, with the program
# $3) does it a hundred times as fast; without it the shell does.
TREE = f"""{OPEN}
alone
if [ -d "$1" ]; then cd "$1" && pwd -P; exit; fi
work="incoming/tree.$$"; rm -rf "$work"; mkdir -p "$work" "${{1%/*}}" || exit 73
if command -v "$2" > /dev/null; then
  "$2" -c "$3" "$work" || {{ said=$?; rm -rf "$work"; exit "$said"; }}
fi
while IFS=' ' read -r kind hash path; do
  path=${{path%/}}
  case $kind in
    D) mkdir -p "$work/$path" || exit 73; continue;;
    F) ln "objects/$hash" "$work/$path" 2> /dev/null && continue;;
  esac
  if ! [ -f "objects/$hash" ]; then rm -rf "$work"; exit {LACKS}; fi
  cp "objects/$hash" "$work/$path" || exit 73
  if [ "$kind" = X ]; then chmod 555 "$work/$path"; else chmod 444 "$work/$path"; fi
done
mv "$work" "$1" && cd "$1" && pwd -P
"""

# $1 is the name, $2 the number. Drafts and copies that nobody came back to are no reason to keep
# anything; what a job has used in the last month is. It says what it removed.
REMOVE = f"""{OPEN}
alone
mv "versions/$1/$2.json" "versions/$1/$2.removed" || exit 73
: > "versions/$1/$2.removed"
rm -rf "trees/$1/$2"
find drafts -name '*.json' -mtime +7 -exec rm -f {{}} +
find copies -name '*.json' -mtime +30 | while read -r old; do rm -rf "${{old%.json}}" "$old"; done
find versions drafts copies -name '*.json' -exec grep -oh '"sha256":"[0-9a-f]*"' {{}} + |
  cut -d'"' -f4 | sort -u > incoming/needed.$$
ls objects | sort | comm -13 incoming/needed.$$ - > incoming/unneeded.$$
(cd objects && xargs rm -f < ../incoming/unneeded.$$)
cat incoming/unneeded.$$
rm -f incoming/needed.$$ incoming/unneeded.$$
"""

# Out again. $1 is a hash, $2 how many bytes of it are there already; or hashes by stdin, as a tar.
READ = f"""{OPEN}
printf '%s\\n' {BEGIN.decode().strip()}; exec tail -c "+$(($2 + 1))" "objects/$1"
"""
# All of them are read before the first is written: who asks for many would else wait for us.
PACK = f"""{OPEN}
cat > "incoming/wanted.$$"
printf '%s\\n' {BEGIN.decode().strip()}
(cd objects && tar -cf - -T "../incoming/wanted.$$")
rm -f "incoming/wanted.$$"
"""

# $1 is the interpreter, $2 the program: what it is to fetch comes by stdin, as that is secret.
FETCH = f"""{OPEN}
printf '%s\\n' {BEGIN.decode().strip()}
if ! command -v "$1" > /dev/null; then echo python; exit; fi
exec "$1" -c "$2"
"""
