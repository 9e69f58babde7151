"""Where moto is changed: once for the process, so that its own answers come out right.

What can be decided before moto is asked is not here but in gate.py.
"""

from __future__ import annotations

import copy
from functools import cache
from importlib import import_module
from typing import Any

from tests.cloud import images, lag, launch, life, spot, tokens
from tests.cloud.refusals import Refused
from tests.cloud.sessions import nobodys_settings
from tests.cloud.world import WORLD

SERVICES = ("ec2", "iam", "resourcegroupstaggingapi", "scheduler", "ssm", "sts")


@cache
def install() -> None:
    """moto is imported here: it takes two seconds, which only those pay who want a cloud."""
    with nobodys_settings():
        for service in SERVICES:
            import_module(f"moto.{service}.responses")
        from moto import settings
        from moto.core.base_backend import AccountSpecificBackend

        AccountSpecificBackend.get_session().get_available_regions("ec2")  # kept by moto
    settings.ENABLE_AMI_VALIDATION = True
    settings.ENABLE_KEYPAIR_VALIDATION = True
    settings.EC2_ENABLE_INSTANCE_TYPE_VALIDATION = True
    _speed()
    images.install()
    _launching()
    _offerings()
    _states()
    _groups()
    _tagging()


def _set(owner: Any, name: str, value: Any) -> None:
    setattr(owner, name, value)  # mypy forbids to assign to a method


def _speed() -> None:
    """moto lists the hundreds of methods of its EC2 anew for every call."""
    from moto.core import responses, utils

    _set(responses, "method_names_from_class", cache(utils.method_names_from_class))


def _launching() -> None:
    from moto.ec2.models import EC2Backend
    from moto.ec2.responses.instances import InstanceResponse

    moto_run = EC2Backend.run_instances

    def run(backend: Any, image_id: str, count: int, *rest: Any, **asked: Any) -> Any:
        call = WORLD.call
        assert call is not None, "instances are launched by calls alone"
        if known := tokens.earlier(WORLD, call):
            return known
        wanted = launch.Wanted.of(call)
        zone = launch.check_supply(WORLD, backend, wanted)
        # moto checks type and zone again, and is slow at it; its own zone is the first.
        asked["is_instance_type_default"] = True
        asked["placement"] = None if zone == f"{backend.region_name}a" else zone
        asked["block_device_mappings"] = launch.devices(
            backend.amis[image_id], asked.get("block_device_mappings", [])
        )
        tags = copy.deepcopy(asked.get("tags", {}))
        reservation = moto_run(backend, image_id, count, *rest, **asked)
        for instance in reservation.instances:
            _complete(instance, asked["nics"], tags)
            begun = life.begin(WORLD, instance)
            if WORLD.bodies:
                key = backend.key_pairs.get(instance.key_name)
                WORLD.bodies.launch(begun, wanted.user_data, [key.public_key] if key else [])
        tokens.remember(WORLD, call, reservation)
        return reservation

    _set(EC2Backend, "run_instances", run)
    _set(EC2Backend, "cancel_spot_instance_requests", spot.cancel)
    _set(InstanceResponse, "_parse_block_device_mapping", _asked_devices)


def _asked_devices(response: Any) -> list[dict[str, Any]]:
    return [dict(each) for each in response._get_param("BlockDeviceMappings", [])]


def _complete(instance: Any, asked: list[dict[str, Any]], tags: dict[str, dict[str, str]]) -> None:
    """Tags of the interface, groups of an instance that gets them by its interface, newness."""
    for index, nic in instance.nics.items():
        spec = next((n for n in asked if int(n.get("DeviceIndex", 0)) == index), {})
        nic.delete_on_termination = bool(spec.get("DeleteOnTermination", True))
    instance.state_reason = None  # moto has an empty one
    if instance.lifecycle == "spot":
        spot.request_for(instance, tags.get("spot-instances-request", {}))
    for each in instance.nics.values():
        each.add_tags(tags.get("network-interface", {}))
        lag.is_new(WORLD, each.id)
    if not instance.security_groups:
        instance.security_groups = list(instance.nics[0]._group_set)
    for _, device in instance.get_block_device_mapping:
        lag.is_new(WORLD, device.volume_id)
    lag.is_new(WORLD, instance.id)


def _offerings() -> None:
    from moto.ec2.models import EC2Backend

    moto_offered = EC2Backend.describe_instance_type_offerings

    def offered(backend: Any, location_type: str | None = None, filters: Any = None) -> list[Any]:
        """Without those that a test took away."""
        return [
            each
            for each in moto_offered(backend, location_type, filters)
            if not any(
                lack.meets(each["InstanceType"], each["Location"], spot=False)
                for lack in WORLD.not_offered
            )
        ]

    _set(EC2Backend, "describe_instance_type_offerings", offered)


def _states() -> None:
    from moto.core.responses import ActionResult
    from moto.ec2.models.instances import Instance
    from moto.ec2.responses._base_response import EC2BaseResponse
    from moto.ec2.responses.instances import InstanceResponse

    _set(Instance, "moto_terminate", Instance.terminate)

    def becomes(change: Any) -> Any:
        def method(instance: Any) -> Any:
            previous = copy.copy(instance._state)
            change(WORLD, WORLD.lives[instance.id])
            return previous

        return method

    _set(Instance, "terminate", becomes(life.terminate))
    _set(Instance, "stop", becomes(life.stop))
    _set(Instance, "start", becomes(life.start))
    _set(Instance, "reboot", becomes(_reboot))

    def terminate_instances(response: Any) -> Any:
        """moto says shutting-down of what was terminated long ago too."""
        ids = response._get_param("InstanceIds", [])
        response.error_on_dryrun()
        changed = response.ec2_backend.terminate_instances(ids)
        told = [
            {
                "InstanceId": instance.id,
                "CurrentState": instance.instance_state,
                "PreviousState": previous,
            }
            for instance, previous in changed
        ]
        return ActionResult({"TerminatingInstances": told})

    _set(InstanceResponse, "terminate_instances", terminate_instances)
    # moto writes "pending" over the state of an old launch that a token found again.
    always_pending = "RunInstances.Reservation.Instances.Instance.State"
    EC2BaseResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER.pop(always_pending)


def _reboot(world: Any, rebooted: life.Life) -> None:
    if world.bodies:
        world.bodies.reboot(rebooted.id)


def _groups() -> None:
    from moto.ec2.models import EC2Backend

    moto_delete, moto_create = EC2Backend.delete_security_group, EC2Backend.create_security_group

    def delete(backend: Any, name: str | None = None, group_id: str | None = None) -> Any:
        """One that an interface has cannot go; moto lets it."""
        found = backend.get_security_group_by_name_or_id(group_id or name)
        if found is not None and _is_used(backend, found):
            said = f"resource {found.id} has a dependent object"
            raise Refused("DependencyViolation", said)
        return moto_delete(backend, name, group_id)

    def create(backend: Any, *given: Any, **named: Any) -> Any:
        group = moto_create(backend, *given, **named)
        if WORLD.call is not None and WORLD.call.action == "CreateSecurityGroup":
            lag.is_new(WORLD, group.id)
        return group

    _set(EC2Backend, "delete_security_group", delete)
    _set(EC2Backend, "create_security_group", create)


def _is_used(backend: Any, group: Any) -> bool:
    return any(group.id in {each.id for each in eni.group_set} for eni in backend.enis.values())


def _tagging() -> None:
    from moto.core.resource_tagging import TaggedResource
    from moto.ec2.models import EC2Backend

    moto_tagged = EC2Backend.iter_tagged_resources

    def tagged(backend: Any) -> Any:
        """With key pairs, which moto forgets."""
        yield from moto_tagged(backend)
        for key in backend.key_pairs.values():
            yield TaggedResource(
                arn=f"arn:aws:ec2:{backend.region_name}:{backend.account_id}:key-pair/{key.id}",
                tags=dict(backend.tags.get(key.id, {})),
                resource_type="ec2:key-pair",
            )

    _set(EC2Backend, "iter_tagged_resources", tagged)


def reset() -> None:
    """moto's state is one for the process; its own reset costs more than all tests together."""
    from moto.core.base_backend import BackendDict

    every: list[Any] = BackendDict._instances  # type: ignore[misc]  # moto's typing
    for backends in list(every):
        for regions in backends.values():
            regions.clear()
