"""Writes COUNT records in the official form, made of the records of FOLDER: theirs in all but the architecture.

    python make_release.py FOLDER TARGET COUNT

For measuring imports: a release has 15,625 records, a sample few. Needs numpy.
"""
import bz2
import os
import pickle
import re
import sys

folder, target, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
os.makedirs(target, exist_ok=True)
names = sorted(name for name in os.listdir(folder) if re.fullmatch(r"\d{6}\.pickle\.pbz2", name))
pickles = [bz2.open(os.path.join(folder, name)).read() for name in names]
meta = bz2.open(os.path.join(folder, "meta.pickle.pbz2")).read()
order = pickle.loads(meta)["meta_archs"]
for index in range(count):
    record = pickle.loads(pickles[index % len(pickles)])
    for results in record.values():
        results["arch_index"], results["arch_str"] = index, order[index]
        for training in results["all_results"].values():
            training["arch_config"]["arch_str"] = order[index]
    with bz2.BZ2File(os.path.join(target, f"{index:06d}.pickle.pbz2"), "wb") as file:
        pickle.dump(record, file, protocol=4)
