"""Unpacks chosen members of a wheel or zip: unpack.py ARCHIVE FOLDER MEMBER[=NEW_NAME]...

A member that ends in "/" is a whole folder. Everything lands in FOLDER under its own path, or under
NEW_NAME where one is given. A member that is absent is an error."""
import pathlib
import shutil
import sys
import zipfile


def unpack(archive, folder, wanted):
    with zipfile.ZipFile(archive) as wheel:
        names = wheel.namelist()
        for item in wanted:
            member, _, new_name = item.partition("=")
            found = [n for n in names if n == member or (member.endswith("/") and n.startswith(member))]
            if not found:
                sys.exit(f"{archive}: expected the member {member}, was absent")
            for name in found:
                if name.endswith("/"):
                    continue
                target = pathlib.Path(folder, new_name or name)
                target.parent.mkdir(parents=True, exist_ok=True)
                with wheel.open(name) as source, open(target, "wb") as copy:
                    shutil.copyfileobj(source, copy, 1 << 20)


if __name__ == "__main__":
    unpack(sys.argv[1], sys.argv[2], sys.argv[3:])
