"""The request that a spot launch leaves behind: it has tags, outlives its instance, costs nothing.

moto marks the instance as spot and makes no request.
"""

from __future__ import annotations

from typing import Any


def request_for(instance: Any, tags: dict[str, str]) -> None:
    """As RunInstances makes one, fulfilled at once."""
    from moto.ec2.models.spot_requests import SpotInstanceRequest
    from moto.ec2.utils import random_spot_request_id

    class Fulfilled(SpotInstanceRequest):
        def launch_instance(self) -> Any:
            return instance

    request = Fulfilled(
        instance.ec2_backend,
        random_spot_request_id(),
        price="",
        image_id=instance.image_id,
        spot_instance_type="one-time",
        valid_from=None,
        valid_until=None,
        launch_group=None,
        availability_zone_group=None,
        key_name=instance.key_name,
        security_groups=[],
        user_data=None,
        instance_type=instance.instance_type,
        placement=instance.availability_zone,
        kernel_id=None,
        ramdisk_id=None,
        monitoring_enabled=False,
        subnet_id=instance.subnet_id,
        tags={"spot-instances-request": tags},
        spot_fleet_id=None,
        instance_interruption_behaviour="terminate",
    )
    instance.ec2_backend.spot_instance_requests[request.id] = request
    instance.spot_instance_request_id = request.id


def closed(instance: Any, code: str = "instance-terminated-by-user") -> None:
    """The instance is gone, so its one-time request is over."""
    found = getattr(instance, "spot_instance_request_id", None)
    request = instance.ec2_backend.spot_instance_requests.get(found)
    if request is not None:
        request.state = "closed"
        request._status_code = code


def cancel(backend: Any, request_ids: list[str]) -> list[Any]:
    """Its instance goes on: to cancel a request ends nothing."""
    found = [backend.spot_instance_requests[each] for each in request_ids]
    for request in found:
        if request.state != "closed":
            request.state = "cancelled"
            request._status_code = "request-canceled-and-instance-running"
    return found
