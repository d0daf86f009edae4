"""Variable stars of OGLE from an archive of the real layout, on a server on this machine."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from local_server import LocalServer, Serve, listing
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_astromer import AstromerEmbedder, LightCurves
from sklearn_astromer.datasets import OGLE_ADDRESS, fetch_ogle_variables
from sklearn_astromer.datasets import ogle_archive as module

FOLDER = "ogle4/OCVS/lmc/cep"
# Layouts of the columns as in the READMEs of these folders; the stars are made up.
IDENT_CEPHEIDS = """\
OGLE-LMC-CEP-0002 F         04:39:01.55 -69:11:49.5  LMC531.17.234    LMC_SC5.123  -  X1
OGLE-LMC-CEP-0001 1O        04:33:19.81 -70:50:00.0  LMC531.17.1      -               -
OGLE-LMC-CEP-0010 F1O        4:39: 1.55 + 1: 2: 3.6  LMC531.17.235
OGLE-LMC-CEP-0003 1O2O3O  04 40 00.00 -00 30 00.0
"""
IDENT_OGLE3 = """\
OGLE-LMC-LPV-00001   LMC158.5  12345  Mira  C  04:30:00.00 -69:00:00.0  LMC_SC1 1  12.34.56
OGLE-LMC-LPV-00002   LMC158.5      9  OSARG O  04:30:00.10 -69:00:00.0
OGLE-LMC-LPV-00003   LMC_SC14    -99  SRV      04 30 00.20 -69 00 00.0
"""
IDENT_WITHOUT_TYPE = """\
OGLE-BLG-ROT-000001 17:21:00.00 -29:00:00.0 BLG654.08.1
OGLE-BLG-ROT-000002 -    17:21:00.10 -29:00:00.0 BLG654.08.2
"""


def light_curve(magnitude: float, n_observations: int = 5, first: float = 5260.5) -> bytes:
    rows = [
        f"{first + 2.5 * night:.5f} {magnitude + 0.125 * (night % 2):.3f} 0.012"
        for night in range(n_observations)
    ]
    return "\n".join([*rows, ""]).encode()


def archive(members: Mapping[str, bytes | tarfile.TarInfo]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def directory(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = tarfile.DIRTYPE
    return member


MEMBERS = {
    "phot/": directory("phot/"),
    "phot/I/": directory("phot/I/"),
    "phot/I/OGLE-LMC-CEP-0001.dat": light_curve(15.0),
    "phot/I/OGLE-LMC-CEP-0002.dat": light_curve(16.0, 4, first=2455260.5),
    "phot/I/OGLE-LMC-CEP-0003.dat": b"5260.5 17.0 0.012\n5261.5 99.999 9.999\n",
    "phot/I/OGLE-LMC-CEP-0010.dat": b"",
    "phot/I/OGLE-LMC-CEP-9999.dat": light_curve(18.0),
    "phot/V/OGLE-LMC-CEP-0001.dat": light_curve(15.5, 2),
    "phot/README": b"no light curve",
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder for each test, so that none comes to the user's own."""
    monkeypatch.setenv("SKLEARN_ASTROMER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def cepheids(serve: Serve) -> LocalServer:
    return serve(
        {f"{FOLDER}/ident.dat": IDENT_CEPHEIDS.encode(), f"{FOLDER}/phot.tar.gz": archive(MEMBERS)}
    )


@pytest.fixture
def fetch(home: Path, serve: Serve) -> Callable[..., object]:
    """Fetch from a server with these files instead."""

    def fetch_files(
        ident: str = IDENT_CEPHEIDS,
        phot: bytes | None = None,
        kind: str = "cep",
        field: str = "lmc",
        folder: str = FOLDER,
        **options: object,
    ) -> object:
        files = {
            f"{folder}/ident.dat": ident.encode(),
            f"{folder}/{options.get('photometry', 'phot.tar.gz')}": archive(MEMBERS)
            if phot is None
            else phot,
        }
        address = serve(files).address
        return fetch_ogle_variables(kind, field, address=address, verbose=0, **options)  # type: ignore[arg-type]

    return fetch_files


def test__fetch_ogle_variables__default__stars_in_the_order_of_the_list(
    cepheids: LocalServer, home: Path
) -> None:
    stars = fetch_ogle_variables(address=cepheids.address, verbose=0)
    assert isinstance(stars.data, LightCurves)
    assert stars.data.ids.tolist() == [f"OGLE-LMC-CEP-000{n}" for n in (2, 1, 3)]
    assert stars.target.tolist() == ["F", "1O", "1O2O3O"]
    assert stars.target_names == ["1O", "1O2O3O", "F"]
    assert stars.data.lengths.tolist() == [4, 5, 2]
    # The one file has HJD - 2450000, the other the full HJD.
    assert stars.data[0][:2].tolist() == pytest.approx(
        np.array([[2455260.5, 16.0, 0.012], [2455263.0, 16.125, 0.012]])
    )
    assert stars.data[1][:, 0].tolist() == [2455260.5 + 2.5 * night for night in range(5)]
    assert np.isnan(stars.data[2][1, 1:]).all()
    np.testing.assert_allclose(
        stars.coordinates,
        [
            [15 * (4 + 39 / 60 + 1.55 / 3600), -(69 + 11 / 60 + 49.5 / 3600)],
            [15 * (4 + 33 / 60 + 19.81 / 3600), -(70 + 50 / 60)],
            [70.0, -0.5],
        ],
    )
    # An empty file is no light curve.
    assert stars.without_light_curve == ["OGLE-LMC-CEP-0010"]
    assert stars.without_label == ["OGLE-LMC-CEP-9999"]
    for part in ("classical Cepheids", "Large Magellanic Cloud", "1 stars of ident.dat", "cite"):
        assert part in stars.DESCR
    assert listing(home / "ogle" / FOLDER) == [
        "ident.dat",
        "ident.dat.json",
        "phot.tar.gz",
        "phot.tar.gz.json",
    ]


def test__fetch_ogle_variables__second_call__needs_no_network(cepheids: LocalServer) -> None:
    first = fetch_ogle_variables(address=cepheids.address, verbose=0)
    assert len(cepheids.asked) == 2
    X, y = fetch_ogle_variables(download_if_missing=False, return_X_y=True, verbose=0)
    assert len(cepheids.asked) == 2
    np.testing.assert_array_equal(X.magnitude, first.data.magnitude)
    np.testing.assert_array_equal(y, first.target)


def test__fetch_ogle_variables__result__goes_into_a_pipeline(cepheids: LocalServer) -> None:
    X, y = fetch_ogle_variables(address=cepheids.address, return_X_y=True, verbose=0)
    embedder = AstromerEmbedder.pretrained("macho", finetune=False)
    model = make_pipeline(embedder, LogisticRegression(max_iter=500)).fit(X, y)
    assert sorted(model.classes_) == ["1O", "1O2O3O", "F"]


def test__fetch_ogle_variables__band_v__is_the_other_folder(cepheids: LocalServer) -> None:
    stars = fetch_ogle_variables(band="V", address=cepheids.address, verbose=0)
    assert stars.data.ids.tolist() == ["OGLE-LMC-CEP-0001"]
    assert stars.data.magnitude.tolist() == [15.5, 15.625]
    assert len(stars.without_light_curve) == 3


def test__fetch_ogle_variables__data_home__holds_the_files(
    cepheids: LocalServer, home: Path, tmp_path: Path
) -> None:
    fetch_ogle_variables(address=cepheids.address, data_home=tmp_path / "other", verbose=0)
    assert len(listing(tmp_path / "other" / "ogle")) == 4
    assert not home.exists()


def test__fetch_ogle_variables__ogle3__type_is_found_behind_field_and_number(
    fetch: Callable[..., object],
) -> None:
    members = {f"./phot/I/OGLE-LMC-LPV-0000{n}.dat": light_curve(14.0 + n) for n in (1, 2, 3)}
    folder = "ogle3/OIII-CVS/lmc/lpv"
    X, y = fetch(
        IDENT_OGLE3, archive(members), "lpv", folder=folder, survey="ogle3", return_X_y=True
    )
    assert X.ids.tolist() == [f"OGLE-LMC-LPV-0000{n}" for n in (1, 2, 3)]
    assert y.tolist() == ["Mira", "OSARG", "SRV"]


def test__fetch_ogle_variables__no_types__kind_is_the_type(fetch: Callable[..., object]) -> None:
    members = {f"phot_ogle4/I/OGLE-BLG-ROT-00000{n}.dat": light_curve(14.0) for n in (1, 2)}
    folder = "ogle4/OCVS/blg/rot"
    name = "phot_ogle4.tar.gz"
    stars = fetch(IDENT_WITHOUT_TYPE, archive(members), "rot", "blg", folder, photometry=name)
    assert stars.target.tolist() == ["rot", "rot"]  # type: ignore[attr-defined]


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    "member",
    [
        {"../I/OGLE-LMC-CEP-0001.dat": light_curve(15.0)},
        {"phot/../../I/x.dat": light_curve(15.0)},
        {"/phot/I/x.dat": light_curve(15.0)},
        {"phot/I/x.dat": link("phot/I/x.dat", "/etc/passwd", tarfile.SYMTYPE)},
        {"phot/I/x.dat": link("phot/I/x.dat", "phot/I/OGLE-LMC-CEP-0001.dat", tarfile.LNKTYPE)},
        {"phot/I/x.dat": link("phot/I/x.dat", "", tarfile.FIFOTYPE)},
    ],
    ids=["climbs", "climbs inside", "absolute", "symbolic link", "hard link", "pipe"],
)
def test__fetch_ogle_variables__member_that_leads_out__is_refused(
    member: dict[str, bytes | tarfile.TarInfo], fetch: Callable[..., object], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"phot.tar.gz is refused: its member '.*dat'"):
        fetch(phot=archive(MEMBERS | member))
    assert not list(tmp_path.rglob("*CEP-0001.dat"))


@pytest.mark.parametrize(
    "phot",
    [b"<html>Please log in</html>", b"", archive(MEMBERS)[:-40], b"\x1f\x8b" + b"rubbish" * 100],
    ids=["login page", "empty", "cut off", "rubbish"],
)
def test__fetch_ogle_variables__archive_damaged__is_named(
    phot: bytes, fetch: Callable[..., object]
) -> None:
    with pytest.raises(ValueError, match=r"phot.tar.gz is damaged or no archive .* Remove it and"):
        fetch(phot=phot)


def test__fetch_ogle_variables__light_curve_damaged__names_member_and_line(
    fetch: Callable[..., object],
) -> None:
    damaged = {"phot/I/OGLE-LMC-CEP-0002.dat": b"5260.5 15.0 0.012\n5262.5 15"}
    with pytest.raises(ValueError, match=r"phot.tar.gz: phot/I/OGLE-LMC-CEP-0002.dat, line 2"):
        fetch(phot=archive(MEMBERS | damaged))


def test__fetch_ogle_variables__no_list_of_stars__is_named(fetch: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match=r"ident.dat, line 1 has no coordinates: '<html>"):
        fetch("<html>Please log in</html>")


def test__fetch_ogle_variables__no_star_in_common__is_said(fetch: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="has no light curve in the I band of these stars"):
        fetch(IDENT_OGLE3)


def test__fetch_ogle_variables__not_in_the_archive__tells_all_that_helps(
    cepheids: LocalServer,
) -> None:
    with pytest.raises(ConnectionError, match=r"ogle4/OCVS/smc/acep/ident.dat.*(?s:.*)404"):
        fetch_ogle_variables("acep", "smc", address=cepheids.address, verbose=0)


def test__fetch_ogle_variables__default_address__is_https(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def remember(address: str, name: str, *_: object, **__: object) -> Path:
        asked.append(f"{address}/{name}")
        raise ConnectionError("offline")

    monkeypatch.setattr(module, "fetch_file", remember)
    with pytest.raises(ConnectionError):
        fetch_ogle_variables("rrlyr", "smc", survey="ogle3")
    assert asked == ["https://www.astrouw.edu.pl/ogle/ogle3/OIII-CVS/smc/rrlyr/ident.dat"]
    assert OGLE_ADDRESS == "https://www.astrouw.edu.pl/ogle"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "cepheids"}, 'kind must be one of "acep", "cep"'),
        ({"field": "LMC"}, 'field must be one of "lmc"'),
        ({"survey": "ogle2"}, 'survey must be one of "ogle4", "ogle3"'),
        ({"band": "R"}, 'band must be one of "I", "V"'),
        ({"photometry": "../phot.tar.gz"}, "photometry must be a name such as"),
        ({"photometry": ""}, "photometry must be a name such as"),
        ({"photometry": ".."}, "photometry must be a name such as"),
        ({"address": "http://www.astrouw.edu.pl/ogle"}, "https only"),
    ],
)
def test__fetch_ogle_variables__wrong_parameter__is_named(
    options: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fetch_ogle_variables(**options)  # type: ignore[arg-type]
