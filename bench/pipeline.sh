#!/usr/bin/env bash
# What could be scripted instead of the gateway, for the bench to be measured against: of each file
# the agreed columns, zipped under a password, signed and sealed to one recipient, with a checksum,
# moved into place. It judges nothing, screens nothing, makes no workbook and keeps no record.
#
#   pipeline.sh AGREED PASSWORD OUTBOX SENDER RECIPIENT FILE…
#
# AGREED: a CSV file of one record, the agreed headings. PASSWORD: a file with the zip's password.
# The settings, by environment, are those that `bench/pipeline.py` lists:
#   TOOL   mlr (Miller), csvcut (csvkit) or duckdb, which cuts the columns
#   LEVEL  of 7z's deflating, 0 to 9
#   SEAL   more words for gpg
#   PLAIN  what makes CSV of a workbook: in2csv or xlsx2csv
set -euo pipefail
agreed=$1 password=$(<"$2") outbox=$3 sender=$4 recipient=$5
shift 5
umask 077
mkdir -p "$outbox"
folder=$(mktemp -d "$outbox/.making-XXXXXX") # where the outbox is, so that moving is renaming
trap 'rm -rf "$folder"' EXIT

# The places of the agreed headings among those of a file, for a tool that knows places alone.
places() {
  python3 - "$agreed" "$1" <<'PYTHON'
import csv, sys
with open(sys.argv[1], newline="", encoding="utf-8") as agreed, open(
    sys.argv[2], newline="", encoding="utf-8-sig"
) as file:
    wanted, found = next(csv.reader(agreed)), next(csv.reader(file))
print(",".join(str(found.index(heading) + 1) for heading in wanted))
PYTHON
}

cut_columns() { # FROM TO
  case $TOOL in
  mlr) mlr --csv template -t "$agreed" "$1" >"$2" ;;
  csvcut) csvcut -c "$(places "$1")" "$1" >"$2" ;;
  duckdb)
    duckdb -c "copy (select $(<"$agreed") from read_csv('$1', all_varchar = true, header = true,
      delim = ',', quote = '\"', escape = '\"')) to '$2' (header)" >/dev/null
    ;;
  esac
}

for file in "$@"; do
  name=$(basename "${file%.*}")
  csv=$file
  if [[ $file == *.xlsx ]]; then
    csv=$folder/read.csv
    case $PLAIN in
    in2csv) in2csv -I --blanks "$file" >"$csv" ;;
    xlsx2csv) xlsx2csv -f %d/%m/%Y "$file" >"$csv" ;;
    esac
  fi
  cut_columns "$csv" "$folder/$name.csv"
  (
    cd "$folder"
    7z a -bso0 -bsp0 -tzip -mem=AES256 "-mx=$LEVEL" "-p$password" "$name.zip" "$name.csv"
    # shellcheck disable=SC2086
    gpg --batch --quiet --trust-model always --cipher-algo AES256 $SEAL --local-user "$sender" \
      --recipient "$recipient" --sign --encrypt --output "$name.zip.gpg" "$name.zip"
    sha256sum "$name.zip.gpg" >"$name.zip.gpg.sha256"
  )
  mv "$folder/$name.zip.gpg.sha256" "$folder/$name.zip.gpg" "$outbox"
  rm -f "$folder"/*.csv "$folder/$name.zip"
done
