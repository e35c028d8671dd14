"""Writes a `.pth` file of COUNT architectures as NAS-Bench-201 v1.1 has them, made of the records of FOLDER.

    python make_pth.py FOLDER TARGET COUNT zip|old

In either of PyTorch's containers; theirs in all but the architecture. For measuring imports; needs numpy, and 2 MB of
memory an architecture.
"""
import bz2
import os
import pickle
import re
import sys
import zipfile

folder, target, count, container = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
names = sorted(name for name in os.listdir(folder) if re.fullmatch(r"\d{6}\.pickle\.pbz2", name))
pickles = [bz2.open(os.path.join(folder, name)).read() for name in names]
order = pickle.loads(bz2.open(os.path.join(folder, "meta.pickle.pbz2")).read())["meta_archs"]


def record_of(index):
    record = pickle.loads(pickles[index % len(pickles)])
    for results in record.values():
        results["arch_index"], results["arch_str"] = index, order[index]
        for training in results["all_results"].values():
            training["arch_config"]["arch_str"] = order[index]
    return {"less": record["12"], "full": record["200"]}


content = {
    "meta_archs": order,
    "total_archs": len(order),
    "arch2infos": {index: record_of(index) for index in range(count)},
    "evaluated_indexes": list(range(count)),
}
if container == "zip":
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        with archive.open("archive/data.pkl", "w", force_zip64=True) as file:
            pickle.dump(content, file, protocol=2)
        archive.writestr("archive/version", "3\n")
else:
    with open(target, "wb") as file:
        for part in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True}, content):
            pickle.dump(part, file, protocol=2)
        pickle.dump([], file, protocol=2)  # no storages
